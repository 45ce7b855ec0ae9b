//! A log directory on a host, driven as a broker would: everything that blocks is done again, time moves when the test
//! says so.

use std::collections::BTreeMap;

use broker::config::{Config, TopicConfig};
use broker::id::{LeaderEpoch, Offset, TopicPartition};
use broker::log::{Appended, Log, LogError, LogEvent, Logs};
use broker::mechanism::{Mechanisms, Mutant, Preset};
use broker::note::Note;
use broker::wire::batch::{Record, build};
use bytes::Bytes;
use machine::{Context, DiskError, Duration, Input};

use crate::host::Home;

/// A broker that has nothing but logs.
pub struct Node {
    pub home: Home,
    pub config: Config,
    pub logs: Logs,
    pub notes: Vec<Note>,
    pub events: Vec<LogEvent>,
}

pub fn config(lines: &[(&str, &str)], mutants: &[Mutant]) -> Config {
    let mut properties = vec![
        ("broker.id".to_owned(), "1".to_owned()),
        ("zookeeper.connect".to_owned(), "zk:2181".to_owned()),
        ("log.dirs".to_owned(), "/data".to_owned()),
    ];
    properties.extend(lines.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let mechanisms =
        Mechanisms { mutants: mutants.iter().copied().collect(), ..Mechanisms::default() };
    Config::from_properties(&properties, Preset::V2_5, mechanisms).expect("a good configuration").0
}

pub fn partition(name: &str) -> TopicPartition {
    TopicPartition::new(name, 0)
}

/// One record per value.
pub fn batch(at_ms: i64, values: &[&str]) -> Bytes {
    let record = |value: &&str| Record {
        timestamp: at_ms,
        key: None,
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
    };
    build(&values.iter().map(record).collect::<Vec<_>>())
}

impl Node {
    /// A node whose logs are open, on an empty disk.
    pub fn new(lines: &[(&str, &str)]) -> Self {
        let mut node = Self::on(Home::new(1, 0), config(lines, &[]));
        node.open();
        node
    }

    pub fn on(home: Home, config: Config) -> Self {
        let logs = Logs::new(&config);
        Self { home, config, logs, notes: Vec::new(), events: Vec::new() }
    }

    pub fn open(&mut self) {
        self.play(|logs, cx| logs.open(&BTreeMap::new(), cx));
        self.settle();
    }

    pub fn play<R>(&mut self, play: impl FnOnce(&mut Logs, &mut Context<'_, Note>) -> R) -> R {
        let logs = &mut self.logs;
        let (result, notes) = self.home.play(|cx| play(logs, cx));
        self.notes.extend(notes);
        result
    }

    fn give(&mut self, input: &Input) {
        let mut events = Vec::new();
        self.play(|logs, cx| logs.handle(input, cx, &mut events));
        self.events.extend(events);
    }

    /// One thing that is due: a wake-up or an answer of the disk.
    pub fn step(&mut self) -> bool {
        if self.logs.wake_at().is_some_and(|at| at <= self.home.now) {
            self.give(&Input::Woke);
            return true;
        }
        match self.home.plates.answer() {
            Some(input) => {
                self.give(&input);
                true
            }
            None => false,
        }
    }

    /// Everything that is due.
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    pub fn advance(&mut self, span: Duration) {
        let end = self.home.now + span;
        loop {
            self.settle();
            match self.logs.wake_at() {
                Some(at) if at <= end => self.home.now = at,
                _ => break,
            }
        }
        self.home.now = end;
    }

    /// Does something to a log until the disk lets it.
    pub fn log<R>(
        &mut self,
        name: &str,
        mut call: impl FnMut(&mut Log, &mut Context<'_, Note>) -> Result<R, LogError>,
    ) -> Result<R, LogError> {
        loop {
            let done = self.play(|logs, cx| {
                call(logs.get_mut(&partition(name)).expect("the log is there"), cx)
            });
            match done {
                Err(LogError::Disk(DiskError::WouldBlock(_))) => {
                    self.step();
                }
                done => return done,
            }
        }
    }

    pub fn create(&mut self, name: &str) {
        let config = self.config.topic_defaults.clone();
        self.create_with(name, &config);
    }

    pub fn create_with(&mut self, name: &str, config: &TopicConfig) {
        loop {
            let made = self.play(|logs, cx| logs.create(&partition(name), config, cx).map(|_| ()));
            match made {
                Err(DiskError::WouldBlock(_)) => drop(self.step()),
                made => return made.expect("a healthy disk"),
            }
        }
    }

    pub fn append(&mut self, name: &str, batch: &Bytes, epoch: i32) -> Appended {
        self.log(name, |log, cx| log.append_as_leader(batch, LeaderEpoch(epoch), cx))
            .expect("a good batch")
    }

    pub fn read(&mut self, name: &str, from: i64, bytes_max: usize) -> Bytes {
        let read = self.log(name, |log, cx| log.read(Offset(from), log.end(), bytes_max, cx));
        read.expect("a good place").records
    }

    pub fn truncate(&mut self, name: &str, to: i64) {
        let high_watermark = Offset(0);
        let cut = |log: &mut Log, cx: &mut Context<'_, Note>| {
            log.truncate_to(Offset(to), high_watermark, cx).map_err(LogError::Disk)
        };
        self.log(name, cut).expect("a healthy disk");
    }

    pub fn commit(&mut self, name: &str, to: i64) {
        self.logs.set_high_watermark(&partition(name), Offset(to));
    }

    pub fn get(&self, name: &str) -> &Log {
        self.logs.get(&partition(name)).expect("the log is there")
    }

    /// Clean shutdown.
    pub fn close(&mut self) {
        self.play(|logs, cx| logs.close(cx));
        self.settle();
        assert_eq!(self.events.pop(), Some(LogEvent::Closed));
    }

    /// Another life on the same disk.
    pub fn restart(mut self) -> Self {
        self.home.plates.kill();
        let mut node = Self::on(self.home, self.config);
        node.open();
        node
    }

    /// A file's bytes.
    pub fn file(&self, path: &str) -> &[u8] {
        self.home.plates.cached.get(path).unwrap_or_else(|| panic!("no {path}"))
    }

    /// A file as text.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(self.file(path)).into_owned()
    }

    /// Names and sizes below a directory, one a line.
    pub fn listing(&self, directory: &str) -> String {
        let prefix = format!("{directory}/");
        let files = self.home.plates.cached.iter();
        let below = files.filter_map(|(path, bytes)| Some((path.strip_prefix(&prefix)?, bytes)));
        below.map(|(name, bytes)| format!("{name} {}\n", bytes.len())).collect()
    }

    /// Names and sizes of a replica's files as Kafka shows them.
    pub fn shown(&self, name: &str) -> String {
        let files = self.get(name).files();
        files.into_iter().map(|(name, size)| format!("{name} {size}\n")).collect()
    }

    /// Takes what was said, in words.
    pub fn said(&mut self) -> String {
        self.notes.drain(..).map(|note| format!("{note}\n")).collect()
    }
}
