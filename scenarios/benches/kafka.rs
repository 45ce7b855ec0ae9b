//! What Kafka costs, with every check on: the reference load, shortened; the cost of an event as brokers grow from 3 to 30 and
//! partitions from 3 to 3,000.
//!
//! `cargo bench -p scenarios --bench kafka`; figures and how to read them: `reports/benchmarks.md`.

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use scenarios::cluster::Cluster;
use scenarios::plan::{self, Plan};
use scenarios::play::{self, Watch};
use scenarios::script;

/// The reference load with another length.
fn reference(seconds: u32) -> String {
    let whole = include_str!("../library/reference-load.toml");
    let source = whole.replace("duration = \"600s\"", &format!("duration = \"{seconds}s\""));
    assert_ne!(source, whole, "the reference load says how long it lasts");
    source.split("[expect]").next().expect("there is a first part").to_owned()
}

/// A load of 200 batches a second on so many brokers and partitions, without a consumer.
fn load(brokers: u32, partitions: u32, seconds: u32) -> String {
    format!(
        "name = \"bench\"\nabout = \"bench\"\nduration = \"{seconds}s\"\n\
         [cluster]\nzookeeper = 3\nbrokers = {brokers}\n\
         topics = [{{ name = \"orders\", partitions = {partitions}, replication-factor = 3, \
         min-insync-replicas = 2 }}]\n\
         [[clients]]\nid = \"p1\"\n\
         produce = {{ topic = \"orders\", rate = \"200/s\", records = 10, bytes = 100 }}\n"
    )
}

fn staged(source: &str) -> (Plan, Cluster) {
    let script = script::parse(source, "bench.toml").expect("a good scenario");
    let cluster = script.cluster(None).expect("it stages its own cluster");
    (plan::draw(&script, &cluster, 1), cluster)
}

/// Plays it: how many events were handled.
fn events((plan, cluster): &(Plan, Cluster)) -> u64 {
    let run = play::play(plan, cluster, &mut Watch::default());
    assert!(run.violations.is_empty(), "{:?}", run.violations);
    run.statistics.events
}

/// Times the playing of one scenario, by element: simulated seconds, or events.
fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    staged: &(Plan, Cluster),
    elements: u64,
) {
    group.throughput(Throughput::Elements(elements));
    group.bench_function(id, |bench| bench.iter(|| events(staged)));
}

fn kafka(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reference load, by simulated second");
    group.sample_size(10);
    let staged_reference = staged(&reference(60));
    time(&mut group, BenchmarkId::from_parameter("60s"), &staged_reference, 60);
    group.finish();

    let mut group = criterion.benchmark_group("brokers, by event");
    group.sample_size(10);
    for brokers in [3, 10, 30] {
        let staged = staged(&load(brokers, 3, 30));
        let count = events(&staged);
        time(&mut group, BenchmarkId::from_parameter(brokers), &staged, count);
    }
    group.finish();

    let mut group = criterion.benchmark_group("partitions, by event");
    group.sample_size(10);
    for partitions in [3, 30, 300, 3_000] {
        let staged = staged(&load(3, partitions, 60));
        let count = events(&staged);
        time(&mut group, BenchmarkId::from_parameter(partitions), &staged, count);
    }
    group.finish();
}

criterion_group!(benches, kafka);
criterion_main!(benches);
