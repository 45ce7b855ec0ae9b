use scenarios::{plan, play, script};
fn main() {
    let file = std::env::args().nth(1).unwrap();
    let range = std::env::args().nth(2).unwrap();
    let (a, b): (u64, u64) = match range.split_once("..") {
        Some((a, b)) => (a.parse().unwrap(), b.parse().unwrap()),
        None => (range.parse().unwrap(), range.parse().unwrap()),
    };
    let source = std::fs::read_to_string(&file).unwrap();
    let script = script::parse(&source, &file)
        .map_err(|e| println!("{}", script::render(&e, false)))
        .unwrap();
    let cluster = script.cluster(None).unwrap();
    for seed in a..=b {
        let plan = plan::draw(&script, &cluster, seed);
        let t = std::time::Instant::now();
        let run = play::play(&plan, &cluster, &mut play::Watch::default());
        if a == b {
            for l in &run.timeline {
                println!("{:>9.3} {:?} {} {}", l.at as f64 / 1e6, l.kind, l.who, l.what);
            }
            for row in &run.final_state.rows {
                println!("{row:?}");
            }
            for e in &run.expectations {
                println!("{e:?}");
            }
            for o in &run.outages {
                println!("{o:?}");
            }
        }
        println!(
            "{} seed {seed} {:?} {} events {} in {:?}",
            run.scenario,
            run.verdict,
            run.fingerprint,
            run.statistics.events,
            t.elapsed()
        );
        for v in run.violations.iter().take(if a == b { 20 } else { 2 }) {
            println!("   {} {:.3} {}", v.check, v.at as f64 / 1e6, v.message);
        }
        for u in &run.undecided {
            println!("   undecided {u}");
        }
    }
}
