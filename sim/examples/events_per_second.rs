//! Prints how many events this computer steps through in a second of CPU time:
//! `cargo run --release -p sim --example events_per_second [EVENTS]`.

#[path = "../benches/chatter/mod.rs"]
mod chatter;

/// CPU time this process has used, in ticks of 1/100 s (Linux). Elapsed time would count what
/// others use.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("this needs Linux");
    let after_name = stat.rsplit_once(')').expect("the name is in brackets").1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().expect("a number of ticks");
    ticks(11) + ticks(12)
}

fn main() {
    let events = std::env::args().nth(1);
    let events: u64 = events.map_or(20_000_000, |text| text.parse().expect("a number of events"));
    for clients in [1, 5, 25] {
        let mut world = chatter::stage(1, clients);
        let before = cpu_ticks();
        while world.events() < events {
            world.step();
        }
        let ticks = (cpu_ticks() - before).max(1);
        let millions = events as f64 / ticks as f64 * 100.0 / 1e6;
        println!(
            "{clients:2} clients: {millions:.2} million events per CPU second, \
             {} simulated, fingerprint {:016x}",
            world.now(),
            world.fingerprint()
        );
    }
}
