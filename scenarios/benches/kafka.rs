//! What Kafka costs, with every check on: the reference load, shortened; the cost of an event as brokers grow from 3 to 30 and
//! partitions from 3 to 3,000, once they are there; and what it costs to make them.
//!
//! `cargo bench -p scenarios --bench kafka`; figures and how to read them: `reports/benchmarks.md`.

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use scenarios::Scenario;

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// By then topics are made and caches are warm, in seconds.
const WARM: u64 = 60;
/// What is timed, in seconds.
const SPAN: u64 = 60;

/// Three servers, so many brokers and partitions, and what comes after.
fn scenario(brokers: u32, partitions: u32, seconds: u64, clients: &str) -> Scenario {
    let source = format!(
        "name = \"bench\"\nabout = \"bench\"\nduration = \"{seconds}s\"\n\
         [cluster]\nzookeeper = 3\nbrokers = {brokers}\n\
         topics = [{{ name = \"orders\", partitions = {partitions}, replication-factor = 3, \
         min-insync-replicas = 2 }}]\n{clients}"
    );
    Scenario::parse(&source).expect("a good scenario")
}

/// A load of 200 batches a second, without a consumer.
const LOAD: &str = "[[clients]]\nid = \"p1\"\n\
    produce = { topic = \"orders\", rate = \"200/s\", records = 10, bytes = 100 }\n";

/// The reference load, without what it expects of its end.
fn reference() -> Scenario {
    let whole = include_str!("../library/reference-load.toml");
    let source = whole.split("[expect]").next().expect("there is a first part");
    Scenario::parse(source).expect("a good scenario")
}

/// How many events a run has.
fn events(scenario: &Scenario) -> u64 {
    let run = scenario.clone().seed(1).run().expect("it stages its own cluster").remove(0);
    assert!(run.violations.is_empty(), "{:?}", run.violations);
    run.statistics.events
}

/// Times what comes after `warm` seconds, for [`SPAN`], by element.
fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    scenario: &Scenario,
    warm: u64,
    elements: u64,
) {
    group.throughput(Throughput::Elements(elements));
    group.bench_function(id, |bench| {
        let one = |_| {
            let mut sim = scenario.start(1).expect("it stages its own cluster");
            sim.run_for(Duration::from_secs(warm));
            let began = Instant::now();
            sim.run_for(Duration::from_secs(SPAN));
            began.elapsed()
        };
        bench.iter_custom(|rounds| (0..rounds).map(one).sum());
    });
}

/// Times [`LOAD`] on so many brokers and partitions, by event.
fn time_load(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    brokers: u32,
    partitions: u32,
) {
    let until = |seconds| scenario(brokers, partitions, seconds, LOAD);
    let count = events(&until(WARM + SPAN)) - events(&until(WARM));
    time(group, id, &until(WARM + SPAN), WARM, count);
}

fn kafka(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reference load, by simulated second");
    group.sample_size(10);
    time(&mut group, BenchmarkId::from_parameter("60s"), &reference(), 0, SPAN);
    group.finish();

    let mut group = criterion.benchmark_group("brokers, by event");
    group.sample_size(10);
    for brokers in [3, 10, 30] {
        time_load(&mut group, BenchmarkId::from_parameter(brokers), brokers, 3);
    }
    group.finish();

    let mut group = criterion.benchmark_group("partitions, by event");
    group.sample_size(10);
    for partitions in [3, 30, 300, 3_000] {
        time_load(&mut group, BenchmarkId::from_parameter(partitions), 3, partitions);
    }
    group.finish();

    let mut group = criterion.benchmark_group("partitions, each made");
    group.sample_size(10);
    let without_clients = scenario(3, 3_000, SPAN, "");
    time(&mut group, BenchmarkId::from_parameter(3_000), &without_clients, 0, 3_000);
    group.finish();
}

criterion_group!(benches, kafka);
criterion_main!(benches);
