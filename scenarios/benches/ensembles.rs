//! What a simulated second of an ensemble costs, with every check on: idle and under load, as it grows from 3 to 9 servers.
//!
//! `cargo bench -p scenarios --bench ensembles`; figures and how to read them: `reports/benchmarks.md`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scenarios::play::{self, Watch};
use scenarios::{plan, script};

/// Plays `seconds` of an ensemble of `servers`, with these clients.
fn play(servers: u32, seconds: u32, clients: &str) {
    let source = format!(
        "name = \"bench\"\nabout = \"bench\"\nduration = \"{seconds}s\"\n\
         [cluster]\nzookeeper = {servers}\n{clients}"
    );
    let script = script::parse(&source, "bench.toml").expect("a good scenario");
    let cluster = script.cluster(None).expect("it stages its own cluster");
    let run = play::play(&plan::draw(&script, &cluster, 1), &cluster, &mut Watch::default());
    assert!(run.violations.is_empty(), "{:?}", run.violations);
}

const LOAD: &str = "[[clients]]\nid = \"w1\"\nwrite = { path = \"/w\", every = \"10ms\" }\n\
                    [[clients]]\nid = \"r1\"\nread = { path = \"/w\", every = \"10ms\" }\n\
                    [[clients]]\nid = \"l1\"\nlock = { path = \"/l\" }\n";

fn ensembles(criterion: &mut Criterion) {
    for (name, seconds, clients) in [("idle", 1_000, ""), ("load", 60, LOAD)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Elements(u64::from(seconds)));
        for servers in [3, 5, 7, 9] {
            let id = BenchmarkId::from_parameter(servers);
            group.bench_function(id, |bench| bench.iter(|| play(servers, seconds, clients)));
        }
        group.finish();
    }
}

criterion_group!(benches, ensembles);
criterion_main!(benches);
