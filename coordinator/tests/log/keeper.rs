//! A node that is nothing but a log: commands arrive as text on a stream, events are said as notes.

use std::fmt;
use std::sync::Arc;

use coordinator::id::{Epoch, SessionId, Zxid};
use coordinator::log::{Storage, StorageConfig, StorageEvent};
use coordinator::mechanism::Mechanisms;
use coordinator::note::ServerNote;
use coordinator::tree::DataTree;
use coordinator::txn::{Acl, Record, Txn, TxnHeader};
use machine::transcript::Bench;
use machine::{Conn, Context, Duration, Input, Instant, Level, Machine, Note};

/// What the keeper says: its log's notes, and what its log told it.
#[derive(Clone, Debug)]
pub enum Said {
    Noted(ServerNote),
    Told(String),
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Noted(note) => fmt::Display::fmt(note, f),
            Self::Told(event) => write!(f, "TOLD {event}"),
        }
    }
}

impl Note for Said {
    fn level(&self) -> Level {
        Level::Headline
    }
}

/// A configuration with everything in `/d`.
pub fn config(mechanisms: Mechanisms) -> StorageConfig {
    StorageConfig {
        data_dir: "/d".into(),
        data_log_dir: "/d".into(),
        snap_count: 1_000,
        purge_retain: 3,
        purge_interval: Duration::ZERO,
        force_sync: true,
        mechanisms,
    }
}

/// The transaction `0x<epoch>000000xx`: creates `/n<counter>`.
pub fn create(zxid: Zxid) -> Record {
    let txn = Txn::Create {
        path: format!("/n{}", zxid.counter()).into(),
        data: Some("x".into()),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: i32::try_from(zxid.counter()).expect("tests are short"),
    };
    Record::new(header(zxid), txn)
}

pub fn header(zxid: Zxid) -> TxnHeader {
    TxnHeader { session: SessionId(7), cxid: 1, zxid, time_ms: 1_600_000_000_000 }
}

/// Storage, and a tree that applies what is synced.
pub struct Keeper {
    pub storage: Storage,
    pub tree: DataTree,
    logged: Vec<Arc<Record>>,
}

impl Keeper {
    pub fn new(config: StorageConfig) -> Self {
        Self { storage: Storage::new(config), tree: DataTree::new(), logged: Vec::new() }
    }

    fn obey(
        &mut self,
        command: &str,
        cx: &mut Context<'_, ServerNote>,
        events: &mut Vec<StorageEvent>,
    ) {
        let words: Vec<&str> = command.split(' ').collect();
        let zxid = |text: &str| {
            let (epoch, counter) = text.split_once(':').expect("zxids are written epoch:counter");
            let number = |text: &str| text.parse::<u32>().expect("both are numbers");
            Zxid::new(Epoch(number(epoch)), number(counter))
        };
        match words[..] {
            ["append", at] => {
                let record = Arc::new(create(zxid(at)));
                self.logged.push(record.clone());
                self.storage.append(record, cx, events);
            }
            ["truncate", to] => self.storage.truncate(zxid(to), cx, events),
            ["install", at] => {
                self.tree = DataTree::new();
                self.tree.advance_to(zxid(at));
                self.storage.reset_after_install(zxid(at), cx, events);
            }
            ["snapshot"] => self.storage.snapshot(&self.tree, false, cx),
            ["snapshot", "synced"] => self.storage.snapshot(&self.tree, true, cx),
            ["accept", epoch] => {
                let epoch = Epoch(epoch.parse().expect("an epoch"));
                self.storage.accept_epoch(epoch, cx, events);
            }
            ["enter", epoch] => {
                let epoch = Epoch(epoch.parse().expect("an epoch"));
                self.storage.enter_epoch(epoch, cx, events);
            }
            _ => panic!("no command {command}"),
        }
    }

    fn told(&mut self, event: &StorageEvent) {
        match event {
            StorageEvent::Recovered(recovered) => {
                self.tree = recovered.tree.clone();
                self.logged.clear();
            }
            StorageEvent::Synced { upto } => {
                for record in self.logged.extract_if(.., |record| record.header.zxid <= *upto) {
                    self.tree.apply(&record.header, &record.txn, false);
                }
            }
            _ => {}
        }
    }
}

impl Machine for Keeper {
    type Note = Said;
    type View = ();

    fn handle(&mut self, input: Input, cx: &mut Context<'_, Said>) {
        let mut events = Vec::new();
        cx.part("log", Said::Noted, |cx| match &input {
            Input::Booted => self.storage.recover(cx, &mut events),
            Input::Received { bytes, .. } => {
                let command = std::str::from_utf8(bytes).expect("commands are text").to_owned();
                self.obey(&command, cx, &mut events);
            }
            input => self.storage.handle(input, &self.tree, cx, &mut events),
        });
        for event in events {
            self.told(&event);
            cx.note(Said::Told(speak(&event)));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.storage.wake_at()
    }

    fn view(&self) {}
}

fn speak(event: &StorageEvent) -> String {
    match event {
        StorageEvent::Recovered(r) => format!(
            "Recovered: {} records to {}, snapshot {}, accepted {}, current {}",
            r.history.len(),
            r.last,
            r.snapshot,
            r.accepted,
            r.current
        ),
        other => format!("{other:?}"),
    }
}

/// A bench on which commands are readable.
pub fn bench(config: StorageConfig) -> Bench<Keeper> {
    Bench::new(Keeper::new(config))
        .rendering(|_, bytes| format!("`{}`", String::from_utf8_lossy(bytes)))
}

/// Gives a command.
pub fn tell(bench: &mut Bench<Keeper>, command: &str) {
    bench.receive(Conn(1), command.to_owned());
}

/// Lets all slices and syncs come to their end.
pub fn settle(bench: &mut Bench<Keeper>) {
    bench.advance(Duration::ZERO);
}
