//! Runs hosted in madsim: the same fingerprint as without it, and async guests who live in the
//! world's time.

use std::fmt;

use machine::{Context, Duration, Input, Instant, Level, Machine, Note};
use sim::world::{Fault, HostSpec, NodeId, World};

/// Listens on port 1000 and sends back what comes; also beats every 10 ms, so that the world is
/// never quiet.
#[derive(Default)]
struct Echo {
    next_beat: Instant,
    beats: u64,
}

#[derive(Clone, Debug)]
struct Beat(u64);

impl Machine for Echo {
    type Note = Beat;
    type View = u64;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Beat>) {
        match input {
            Input::Booted => cx.listen("echo", "0.0.0.0:1000").expect("nobody else is here"),
            Input::Received { conn, bytes } => cx.send(conn, bytes),
            _ => {}
        }
        while self.next_beat <= cx.now() {
            self.next_beat += Duration::from_millis(10);
            self.beats += cx.chance("beat").below(3);
            cx.note(Beat(self.beats));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        Some(self.next_beat)
    }

    fn view(&self) -> u64 {
        self.beats
    }
}

impl Note for Beat {
    fn level(&self) -> Level {
        Level::Detail
    }
}

impl fmt::Display for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "beat {}", self.0)
    }
}

/// Two nodes that beat for a simulated second.
fn beats(seed: u64) -> (u64, u64) {
    let mut world = World::new(seed);
    for name in ["a", "b"] {
        let host = world.add_host(HostSpec::simple(name));
        let node: NodeId = world.add_node(name, host, |_| Echo::default());
        world.apply(&Fault::Boot { node });
    }
    while world.step_until(Instant::ZERO + Duration::from_secs(1)).is_some() {}
    (world.events(), world.fingerprint())
}

#[test]
fn this_workspace_is_built_for_madsim() {
    #[cfg(not(madsim))]
    panic!(
        "an environment RUSTFLAGS replaces .cargo/config.toml: build without, or add --cfg madsim"
    );
}

#[test]
fn hosting_changes_no_fingerprint() {
    let alone = beats(1);
    assert_eq!(sim::hosted::inside(1, || beats(1)), alone);
    assert_eq!(sim::hosted::inside(99, || beats(1)), alone, "madsim's own seed is not the world's");
    assert_ne!(beats(2).1, alone.1);
}

#[cfg(madsim)]
mod guests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use sim::hosted::{Gateway, Hosted, Resident, Stage};
    use sim::world::{Fault, HostId, HostSpec, World};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::Echo;

    type Echoes = Hosted<Resident<Echo>>;

    struct House {
        hosted: Echoes,
        gateway: Gateway,
        cut: [Fault; 2],
    }

    /// `zk-1` with an echo, and the guest's host.
    fn house(seed: u64) -> House {
        let mut world: World<Resident<Echo>> = World::new(seed);
        let zk = world.add_host(HostSpec::simple("zk-1"));
        let node = world.add_node("zk-1", zk, |_| Resident::Native(Echo::default()));
        world.apply(&Fault::Boot { node });
        let home = world.add_host(HostSpec::simple("guest"));
        let mut hosted = Hosted::new(world);
        let gateway = hosted.gate("guest", home, Resident::Gate);
        House { hosted, gateway, cut: both_ways(home, zk) }
    }

    fn both_ways(a: HostId, b: HostId) -> [Fault; 2] {
        [Fault::Cut { from: a, to: b }, Fault::Cut { from: b, to: a }]
    }

    /// The guest's own notes, with its own times.
    #[derive(Clone)]
    struct Notebook(madsim::time::Instant, Arc<Mutex<String>>);

    impl Notebook {
        fn write(&self, line: &str) {
            let mut text = self.1.lock().expect("guests take turns");
            text.push_str(&format!("{:>9} {line}\n", self.0.elapsed().as_micros()));
        }
    }

    /// Sends a word every 50 ms and waits for it to come back; between the second and the third the
    /// way is cut for 300 ms.
    async fn talk(stage: Stage, gateway: Gateway, cut: [Fault; 2]) -> String {
        let notes = Notebook(madsim::time::Instant::now(), Arc::default());
        let mut stream = gateway.connect("zk-1:1000").await.expect("zk-1 listens");
        notes.write("open");
        for word in 0..4 {
            madsim::time::sleep(Duration::from_millis(50)).await;
            if word == 2 {
                cut.clone().into_iter().for_each(|fault| stage.apply(fault));
                notes.write("cut");
                let (stage, notes) = (stage.clone(), notes.clone());
                madsim::task::spawn(async move {
                    madsim::time::sleep(Duration::from_millis(300)).await;
                    stage.apply(Fault::HealAll);
                    notes.write("healed");
                });
                // The cut is there when the word leaves.
                madsim::time::sleep(Duration::from_millis(1)).await;
            }
            stream.write_all(format!("word {word}").as_bytes()).await.expect("the stream lives");
            let mut answer = [0; 6];
            stream.read_exact(&mut answer).await.expect("the echo answers");
            notes.write(&String::from_utf8_lossy(&answer));
        }
        stream.shutdown().await.expect("a stream can be ended");
        let refused = gateway.connect("zk-1:1001").await.expect_err("nobody listens there");
        notes.write(&format!("{:?}", refused.kind()));
        let unknown = gateway.connect("nobody:1000").await.expect_err("nobody has that name");
        notes.write(&format!("{:?}", unknown.kind()));
        notes.1.lock().expect("guests take turns").clone()
    }

    fn transcript(seed: u64) -> (String, u64) {
        let House { hosted, gateway, cut } = house(seed);
        let (text, world) = hosted.run(seed, move |stage| talk(stage, gateway, cut));
        (text, world.fingerprint())
    }

    #[test]
    fn a_guest_talks_through_a_cut_and_a_heal() {
        let (text, fingerprint) = transcript(1);
        insta::assert_snapshot!(text);
        assert_eq!(transcript(1), (text.clone(), fingerprint), "the same seed, the same run");
        let (other, _) = transcript(2);
        assert_ne!(other, text, "another seed has other latencies");
    }

    #[test]
    fn a_guest_is_held_back_and_goes_on() {
        const TOTAL: usize = 3_000_000;
        let House { hosted, gateway, .. } = house(1);
        let (count, _) = hosted.run(1, move |_| async move {
            let stream = gateway.connect("zk-1:1000").await.expect("zk-1 listens");
            let (mut reader, mut writer) = tokio::io::split(stream);
            let writing = madsim::task::spawn(async move {
                writer.write_all(&vec![7; TOTAL]).await.expect("the stream lives");
                writer
            });
            let mut buffer = vec![0; TOTAL];
            let read = reader.read_exact(&mut buffer).await.expect("the echo answers");
            drop(writing.await.expect("the writer is done"));
            assert!(buffer.iter().all(|byte| *byte == 7));
            read
        });
        assert_eq!(count, TOTAL);
    }

    #[test]
    fn a_dead_peer_resets_the_guest() {
        let House { mut hosted, gateway, .. } = house(1);
        let node = hosted.world().nodes().next().expect("zk-1 is the first");
        let (kinds, world) = hosted.run(1, move |stage| async move {
            let mut stream = gateway.connect("zk-1:1000").await.expect("zk-1 listens");
            stage.apply(Fault::Kill { node });
            let read = stream.read(&mut [0; 8]).await.expect_err("the peer is dead").kind();
            let write = stream.write(b"hello").await.expect_err("the peer is dead").kind();
            // A task left behind does not keep anything alive.
            madsim::task::spawn(std::future::pending::<()>());
            (read, write)
        });
        let reset = std::io::ErrorKind::ConnectionReset;
        assert_eq!(kinds, (reset, reset));
        assert!(!world.is_up(node));
    }

    #[test]
    fn the_watcher_sees_every_step() {
        let House { hosted, gateway, .. } = house(1);
        let seen = Arc::new(Mutex::new(0));
        let count = Arc::clone(&seen);
        let hosted = hosted.watching(move |_| *count.lock().expect("one thread") += 1);
        let ((), world) = hosted.run(1, move |_| async move {
            gateway.connect("zk-1:1000").await.expect("zk-1 listens");
            madsim::time::sleep(Duration::from_secs(1)).await;
        });
        assert_eq!(*seen.lock().expect("one thread"), world.events());
        let beat = world.now().as_micros();
        assert!((980_000..=1_010_000).contains(&beat), "the world went along: {beat}");
    }
}
