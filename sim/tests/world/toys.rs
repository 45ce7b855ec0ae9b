//! Toy machines and a small stage for them: each test says in a few lines who does what to whom.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use machine::{
    Closed, Conn, Context, Disk, DiskError, Duration, Input, Instant, Level, Machine, Note, Peer,
    Ticket, WallTime,
};
use sim::world::{Fault, HostId, HostSpec, NodeId, Step, World};

/// What a toy says: a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said(pub String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Note for Said {
    fn level(&self) -> Level {
        Level::Headline
    }
}

/// What a toy is told to do when it is woken, at a time of its own clock.
pub type Act = fn(&mut Toy, &mut Context<'_, Said>);

/// A machine made of a script: acts at given times, and what to do with bytes that arrive.
pub struct Toy {
    pub listens: Vec<&'static str>,
    pub acts: Vec<(Instant, Act)>,
    pub echo: bool,
    pub received: BTreeMap<Conn, Vec<u8>>,
    /// When pieces came, on the toy's clock, with their bytes.
    pub arrivals: Vec<(Instant, Bytes)>,
    pub opened: Vec<(Instant, Conn, Peer)>,
    pub closed: Vec<(Instant, Conn, Closed)>,
    pub drained: Vec<Instant>,
    pub woke: Vec<Instant>,
    pub synced: Vec<(Instant, Ticket, Result<(), DiskError>)>,
    pub ready: Vec<(Instant, Ticket)>,
    pub stopped: Option<Instant>,
    pub conn: Option<Conn>,
    pub walls: Vec<WallTime>,
    pub disk: Vec<Result<(), DiskError>>,
    pub queued: Vec<usize>,
    pub incarnation: u64,
}

impl Toy {
    pub fn new() -> Self {
        Self {
            listens: Vec::new(),
            acts: Vec::new(),
            echo: false,
            received: BTreeMap::new(),
            arrivals: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            drained: Vec::new(),
            woke: Vec::new(),
            synced: Vec::new(),
            ready: Vec::new(),
            stopped: None,
            conn: None,
            walls: Vec::new(),
            disk: Vec::new(),
            queued: Vec::new(),
            incarnation: 0,
        }
    }

    pub fn listening(address: &'static str) -> Self {
        Self { listens: vec![address], ..Self::new() }
    }

    pub fn echoing(address: &'static str) -> Self {
        Self { echo: true, ..Self::listening(address) }
    }

    /// Does `act` when its own clock says `millis`.
    pub fn at(mut self, millis: u64, act: Act) -> Self {
        self.acts.push((ms(millis), act));
        self
    }

    pub fn text(&self) -> String {
        let all = self.received.values().flatten().copied().collect();
        String::from_utf8(all).expect("toys send text")
    }
}

impl Machine for Toy {
    type Note = Said;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        let now = cx.now();
        match input {
            Input::Booted => {
                for address in &self.listens {
                    if let Err(error) = cx.listen(address, address) {
                        cx.note(Said(format!("cannot listen on {address}: {error:?}")));
                    }
                }
            }
            Input::Opened { conn, peer } => self.opened.push((now, conn, peer)),
            Input::Received { conn, bytes } => {
                self.received.entry(conn).or_default().extend_from_slice(&bytes);
                if self.echo {
                    cx.send(conn, bytes.clone());
                }
                self.arrivals.push((now, bytes));
            }
            Input::Drained { .. } => self.drained.push(now),
            Input::Closed { conn, why } => self.closed.push((now, conn, why)),
            Input::Synced { ticket, result } => self.synced.push((now, ticket, result)),
            Input::Ready { ticket } => self.ready.push((now, ticket)),
            Input::Woke => {
                self.woke.push(now);
                self.walls.push(cx.wall());
            }
            Input::Stop => {
                self.stopped = Some(now);
                cx.exit(0, "asked to");
            }
        }
        while let Some((at, act)) = self.acts.first().copied()
            && at <= now
        {
            self.acts.remove(0);
            act(self, cx);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.acts.first().map(|(at, _)| *at)
    }

    fn view(&self) {}
}

pub fn ms(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

pub fn secs(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

/// A world with one toy on each host `a`, `b`, ….
pub struct Stage {
    pub world: World<Toy>,
    pub hosts: Vec<HostId>,
    pub nodes: Vec<NodeId>,
}

impl Stage {
    /// Boots all toys at time 0; restarted toys are made anew, without their acts.
    pub fn new<const N: usize>(seed: u64, toys: [fn() -> Toy; N]) -> Self {
        let mut stage = Self { world: World::new(seed), hosts: Vec::new(), nodes: Vec::new() };
        for (place, make) in toys.into_iter().enumerate() {
            let name = ["a", "b", "c", "d"][place];
            let host = stage.world.add_host(HostSpec::simple(name));
            let node = stage.world.add_node(name, host, move |birth| {
                let mut toy = Toy { incarnation: birth.incarnation, ..make() };
                if birth.incarnation > 1 {
                    toy.acts.clear();
                }
                toy
            });
            stage.hosts.push(host);
            stage.nodes.push(node);
            stage.world.apply(&Fault::Boot { node });
        }
        stage
    }

    /// Lets the world run until `at`.
    pub fn run(&mut self, at: Instant) -> &mut Self {
        self.run_seeing(at, |_| {})
    }

    /// Lets the world run until `at` and looks at every step.
    pub fn run_seeing(&mut self, at: Instant, mut see: impl FnMut(&Step<Said>)) -> &mut Self {
        while let Some(step) = self.world.step_until(at) {
            see(step);
        }
        self.world.advance_to(at);
        self
    }

    pub fn apply(&mut self, fault: Fault) -> &mut Self {
        self.world.apply(&fault);
        self
    }

    pub fn toy(&self, place: usize) -> &Toy {
        self.world.machine(self.nodes[place]).expect("this toy runs")
    }

    pub fn cut(&mut self, from: usize, to: usize) -> &mut Self {
        self.apply(Fault::Cut { from: self.hosts[from], to: self.hosts[to] })
    }

    pub fn heal(&mut self, from: usize, to: usize) -> &mut Self {
        self.apply(Fault::Heal { from: self.hosts[from], to: self.hosts[to] })
    }

    pub fn cut_both(&mut self, a: usize, b: usize) -> &mut Self {
        self.cut(a, b).cut(b, a)
    }

    pub fn heal_both(&mut self, a: usize, b: usize) -> &mut Self {
        self.heal(a, b).heal(b, a)
    }

    pub fn kill(&mut self, place: usize) -> &mut Self {
        self.apply(Fault::Kill { node: self.nodes[place] })
    }

    pub fn restart(&mut self, place: usize) -> &mut Self {
        self.apply(Fault::Restart { node: self.nodes[place] })
    }

    pub fn power_loss(&mut self, place: usize) -> &mut Self {
        self.apply(Fault::PowerLoss { host: self.hosts[place] })
    }
}

/// Whether a moment lies in a span of milliseconds, both ends included.
pub fn within(moment: Instant, from_millis: u64, to_millis: u64) -> bool {
    (ms(from_millis)..=ms(to_millis)).contains(&moment)
}

/// Dials `b` and remembers the stream.
pub fn dial_b(toy: &mut Toy, cx: &mut Context<'_, Said>) {
    toy.conn = Some(cx.dial("b:1"));
}

/// Sends `text` on the remembered stream.
pub fn send(toy: &mut Toy, cx: &mut Context<'_, Said>, text: &'static str) {
    cx.send(toy.conn.expect("dialled before"), Bytes::from_static(text.as_bytes()));
}

/// A disk call whose answer the toy keeps.
pub fn on_disk(
    toy: &mut Toy,
    cx: &mut Context<'_, Said>,
    call: impl FnOnce(&mut dyn Disk) -> Result<(), DiskError>,
) {
    let done = call(cx.disk());
    toy.disk.push(done);
}
