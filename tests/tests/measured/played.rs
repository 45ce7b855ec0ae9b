//! Runs as these tests look at them: every transaction with its time, every fact that brokers and clients state, and
//! what is left on the disks.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use broker::id::TopicPartition;
use broker::note::{ClientNote, Note};
use coordinator::id::Zxid;
use coordinator::note::ServerNote;
use coordinator::tree::DataTree;
use coordinator::txn::{Record, Txn};
use machine::{Instant, Level, Note as _};
use reports::run::Run;
use scenarios::cast::{Actor, Said, Stage};
use scenarios::play::{self, Watch};
use scenarios::scene::Truth;
use scenarios::{plan, script};

/// A run that is over.
pub struct Played {
    /// What was told of it.
    pub run: Run,
    /// Everybody as they are at the end.
    pub stage: Stage,
    /// What brokers said, but for every single batch.
    pub brokers: Vec<(u64, String, Note)>,
    /// What Kafka's clients said.
    pub clients: Vec<(u64, String, ClientNote)>,
    /// What servers said of themselves.
    pub servers: Vec<(u64, String, ServerNote)>,
    /// When transactions were committed.
    committed: BTreeMap<Zxid, u64>,
}

/// A scenario of three servers and so many brokers of the measured versions.
pub fn scenario(brokers: u32, seconds: u32, cluster: &str, rest: &str) -> String {
    format!(
        "name = \"measured\"\nduration = \"{seconds}s\"\n[cluster]\nzookeeper = 3\n\
         zookeeper-version = \"3.4.6\"\nbrokers = {brokers}\nkafka = \"2.3\"\n{cluster}\n{rest}\n"
    )
}

impl Played {
    /// Plays a scenario. Whatever the checks find wrong is wrong here, too.
    pub fn of(source: &str, seed: u64) -> Self {
        let script = script::parse(source, "measured").unwrap_or_else(|wrong| {
            panic!("does not parse:\n{}", script::render(&wrong, false));
        });
        let cluster = script.cluster(None).expect("it stages its own cluster");
        let plan = plan::draw(&script, &cluster, seed);
        let (mut brokers, mut clients, mut servers) = (Vec::new(), Vec::new(), Vec::new());
        let mut committed = BTreeMap::new();
        let mut hears = |at: Instant, who: &str, said: &Said| {
            let at = at.as_micros();
            match said {
                Said::Broker(note) if !is_about_one_batch(note) => {
                    brokers.push((at, who.to_owned(), note.clone()));
                }
                Said::Kafka(note) => clients.push((at, who.to_owned(), note.clone())),
                Said::Server(ServerNote::Committed { zxid }) => {
                    committed.entry(*zxid).or_insert(at);
                }
                Said::Server(note) if note.level() == Level::Headline => {
                    servers.push((at, who.to_owned(), note.clone()));
                }
                _ => {}
            }
        };
        let mut watch = Watch { hears: Some(&mut hears), ..Watch::default() };
        let (run, stage) = play::stage_after(&plan, &cluster, &mut watch);
        let played = Self { run, stage, brokers, clients, servers, committed };
        assert!(played.run.violations.is_empty(), "seed {seed}\n{}", played.story());
        played
    }

    /// The timeline and what was found wrong, for an assertion's message.
    pub fn story(&self) -> String {
        let mut story = String::new();
        for line in &self.run.timeline {
            let (seconds, micros) = (line.at / 1_000_000, line.at % 1_000_000);
            writeln!(story, "{seconds:3}.{micros:06} {:12} {}", line.who, line.what)
                .expect("memory takes it");
        }
        for violation in &self.run.violations {
            writeln!(story, "{}: {}", violation.check, violation.message).expect("memory takes it");
        }
        story
    }

    /// When a step was carried out.
    pub fn step(&self, id: &str) -> u64 {
        self.run.steps.iter().find(|step| step.id == id).expect("the step was carried out").at
    }

    /// What is true in the ensemble.
    pub fn truth(&self) -> &Truth {
        &self.stage.scene.ensembles[0]
    }

    /// The tree as a server of the ensemble has it.
    pub fn tree(&self, server: &str) -> &DataTree {
        match self.stage.world.machine(self.stage.nodes[server]) {
            Some(Actor::Server(server)) => server.tree().expect("it lives"),
            _ => panic!("{server} is no server that lives"),
        }
    }

    /// All that was committed, in order: time, zxid, and what it did.
    pub fn transactions(&self) -> Vec<(u64, Zxid, String)> {
        let truth = self.truth();
        let records = truth.order.iter().filter_map(|(zxid, _)| truth.record(*zxid));
        records
            .map(|record| (self.when(record.header.zxid), record.header.zxid, words(record)))
            .collect()
    }

    /// When a transaction was committed; 0 for the history of a leader that had been lost.
    fn when(&self, zxid: Zxid) -> u64 {
        self.committed.get(&zxid).copied().unwrap_or_default()
    }

    /// What a znode held, one after another, and since when; `None` while it was not there.
    pub fn values(&self, path: &str) -> Vec<(u64, Option<String>)> {
        let states = self.truth().znodes.get(path).into_iter().flatten();
        let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
        states
            .map(|(zxid, znode)| {
                let data =
                    znode.as_ref().map(|one| one.data.as_deref().map(text).unwrap_or_default());
                (self.when(*zxid), data)
            })
            .collect()
    }

    /// When a broker said this for the first time after `after`.
    pub fn said(&self, who: &str, after: u64, is_it: impl Fn(&Note) -> bool) -> Option<u64> {
        let mut of_broker = self.brokers.iter().filter(|(at, one, _)| one == who && *at >= after);
        of_broker.find(|(_, _, note)| is_it(note)).map(|(at, _, _)| *at)
    }

    /// When a server said this for the first time after `after`.
    pub fn told(&self, who: &str, after: u64, is_it: impl Fn(&ServerNote) -> bool) -> Option<u64> {
        let mut of_server = self.servers.iter().filter(|(at, one, _)| one == who && *at >= after);
        of_server.find(|(_, _, note)| is_it(note)).map(|(at, _, _)| *at)
    }

    /// The longest time without an acknowledgement after `after`: from and to.
    pub fn longest_gap(&self, after: u64) -> (u64, u64) {
        let acked =
            self.clients.iter().filter(|(_, _, note)| matches!(note, ClientNote::Acked { .. }));
        let times: Vec<u64> = acked.map(|(at, _, _)| *at).filter(|at| *at >= after).collect();
        let gaps = times.windows(2).map(|pair| (pair[0], pair[1]));
        gaps.max_by_key(|(from, to)| to - from).expect("something was acknowledged")
    }

    /// A file of a broker's log directory.
    pub fn file(&self, broker: &str, name: &str) -> Option<Vec<u8>> {
        let path = format!("/kafka/{name}");
        self.stage.world.file(self.stage.nodes[broker], &path).map(|bytes| bytes.to_vec())
    }

    /// A text file of a broker's log directory.
    pub fn text(&self, broker: &str, name: &str) -> String {
        let bytes = self.file(broker, name).unwrap_or_else(|| panic!("{broker} has no {name}"));
        String::from_utf8(bytes).expect("it is a text")
    }

    /// The files in a directory of a broker's log directory (`""` for its own), with their lengths.
    pub fn files(&self, broker: &str, directory: &str) -> BTreeMap<String, u64> {
        let prefix = format!("/kafka/{directory}");
        let files = self.stage.world.files(self.stage.nodes[broker]);
        let below = files.filter_map(|(path, length)| Some((path.strip_prefix(&prefix)?, length)));
        below
            .filter(|(name, _)| !name.contains('/'))
            .map(|(name, length)| (name.to_owned(), length))
            .collect()
    }
}

fn is_about_one_batch(note: &Note) -> bool {
    matches!(note, Note::Appended { .. } | Note::HighWatermark { .. } | Note::Acknowledged { .. })
}

/// A transaction in words: `create /brokers`, and ` + ` between those that are one.
fn words(record: &Record) -> String {
    fn one(txn: &Txn) -> String {
        match txn {
            Txn::Create { path, .. } => format!("create {path}"),
            Txn::Delete { path } => format!("delete {path}"),
            Txn::SetData { path, .. } => format!("set {path}"),
            Txn::SetAcl { path, .. } => format!("open {path}"),
            Txn::Check { path, .. } => format!("check {path}"),
            Txn::CreateSession { .. } => "session".to_owned(),
            Txn::CloseSession => "end of session".to_owned(),
            Txn::Error { .. } => "error".to_owned(),
            // Checks change nothing: the controller asks with each write whether it is still the controller.
            Txn::Multi(parts) => {
                if parts.iter().any(|part| matches!(part, Txn::Error { .. })) {
                    return "error".to_owned();
                }
                let does = parts.iter().filter(|part| !matches!(part, Txn::Check { .. }));
                does.map(one).collect::<Vec<_>>().join(" + ")
            }
        }
    }
    one(&record.txn)
}

/// A replica of partition 0 of a topic, as `ls -l` shows its directory while the broker runs.
pub fn shown(played: &Played, broker: &str, topic: &str) -> BTreeMap<String, u64> {
    match played.stage.world.machine(played.stage.nodes[broker]) {
        Some(Actor::Broker(broker)) => {
            let log = broker.log(&TopicPartition::new(topic, 0)).expect("it is a replica");
            log.files().into_iter().collect()
        }
        _ => panic!("{broker} is no broker that lives"),
    }
}

/// Whether a time is within 20 % of what was measured.
pub fn is_near(micros: u64, measured_ms: u64) -> bool {
    (measured_ms * 800..=measured_ms * 1_200).contains(&micros)
}
