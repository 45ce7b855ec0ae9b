//! The workload of the benchmarks: pairs of machines that bounce 100-byte frames, several at a
//! time.

use bytes::{Bytes, BytesMut};
use machine::{Context, Duration, Input, Instant, Level, Machine, Note};
use sim::world::{Fault, HostSpec, World};

/// Nothing is ever said.
#[derive(Clone, Debug)]
pub enum Silence {}

impl std::fmt::Display for Silence {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

impl Note for Silence {
    fn level(&self) -> Level {
        match *self {}
    }
}

/// Bounces frames: answers each with one of its own, and sets an alarm each time as a heartbeat
/// would.
pub struct Bouncer {
    dials: bool,
    frame: Bytes,
    /// Bytes of an unfinished frame, by stream.
    pending: Vec<usize>,
    deadline: Instant,
    /// Frames seen.
    pub seen: u64,
}

const FRAME: usize = 100;
const AT_A_TIME: usize = 8;

impl Bouncer {
    fn new(dials: bool) -> Self {
        let frame = BytesMut::zeroed(FRAME).freeze();
        Self { dials, frame, pending: Vec::new(), deadline: Instant::NEVER, seen: 0 }
    }
}

impl Machine for Bouncer {
    type Note = Silence;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Silence>) {
        match input {
            Input::Booted if self.dials => {
                cx.dial("server:1");
            }
            Input::Booted => cx.listen("bounce", "0.0.0.0:1").expect("the port is free"),
            Input::Opened { conn, .. } => {
                // Streams are numbered from 1 in each life, and none is closed here.
                self.pending.push(0);
                for _ in 0..if self.dials { AT_A_TIME } else { 0 } {
                    cx.send(conn, self.frame.clone());
                }
            }
            Input::Received { conn, bytes } => {
                let pending = &mut self.pending[conn.0 as usize - 1];
                *pending += bytes.len();
                while *pending >= FRAME {
                    *pending -= FRAME;
                    self.seen += 1;
                    cx.send(conn, self.frame.clone());
                }
                self.deadline = cx.now() + Duration::from_secs(1);
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        Some(self.deadline)
    }

    fn view(&self) {}
}

/// A world of one server and `clients` clients, each on a host of its own, all running.
pub fn stage(seed: u64, clients: usize) -> World<Bouncer> {
    let mut world = World::new(seed);
    let host = world.add_host(HostSpec::simple("server"));
    let node = world.add_node("server", host, |_| Bouncer::new(false));
    world.apply(&Fault::Boot { node });
    // It listens before anybody dials.
    world.step();
    for client in 0..clients {
        let host = world.add_host(HostSpec::simple(&format!("client-{client}")));
        let node = world.add_node(&format!("client-{client}"), host, |_| Bouncer::new(true));
        world.apply(&Fault::Boot { node });
    }
    world
}
