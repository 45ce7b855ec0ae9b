//! How many events a second the world steps through: `cargo bench -p sim`.

mod chatter;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: u64 = 100_000;

fn bounce(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("world");
    group.throughput(Throughput::Elements(EVENTS)).sample_size(20);
    for clients in [1, 5, 25] {
        let mut world = chatter::stage(1, clients);
        group.bench_function(format!("100-byte frames, {clients} clients"), |bencher| {
            bencher.iter(|| {
                for _ in 0..EVENTS {
                    world.step();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bounce);
criterion_main!(benches);
