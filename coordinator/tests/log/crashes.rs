//! Lives that end at any moment: whatever was told to be on disk is there in the next life, whatever was cut off is not, and a
//! disk that blocks changes nothing.

use std::sync::Arc;

use coordinator::id::{Epoch, SessionId, Zxid};
use coordinator::log::{Recovered, Storage, StorageConfig, StorageEvent};
use coordinator::mechanism::Mechanisms;
use coordinator::note::ServerNote;
use coordinator::tree::DataTree;
use coordinator::txn::{Acl, Record, Txn, TxnHeader};
use machine::{Chance, ChanceKey, Duration, Input};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::host::Home;
use crate::keeper::config;

/// One thing a test does to a server.
#[derive(Clone, Debug)]
enum Act {
    Append(u8),
    /// Lets the disk and the slices come this far.
    Pump(u8),
    Settle,
    /// Commits and applies this many of what is synced.
    Commit(u8),
    Snapshot(bool),
    Truncate(u8),
    /// Takes over the tree of a leader that lacks some of the last transactions and has some more.
    Install(u8, u8),
    Epoch,
    Kill,
    PowerLoss,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (1..6u8).prop_map(Act::Append),
        6 => (1..30u8).prop_map(Act::Pump),
        4 => Just(Act::Settle),
        4 => (1..8u8).prop_map(Act::Commit),
        2 => any::<bool>().prop_map(Act::Snapshot),
        1 => (0..5u8).prop_map(Act::Truncate),
        1 => (0..4u8, 0..4u8).prop_map(|(less, more)| Act::Install(less, more)),
        2 => Just(Act::Epoch),
        1 => Just(Act::Kill),
        2 => Just(Act::PowerLoss),
    ];
    vec(act, 1..60)
}

/// A server, and what must be true of it.
struct Server {
    home: Home,
    config: StorageConfig,
    storage: Storage,
    tree: DataTree,
    turns: Chance,
    /// Whether it has recovered and nothing is being cut.
    ready: bool,
    /// Everything appended that was not cut off.
    history: Vec<Arc<Record>>,
    /// The tree after all of `history`: what the leader would have.
    ahead: DataTree,
    /// What no power loss may take.
    promised: Zxid,
    /// What is in the page cache, and no kill may take.
    cached: Zxid,
    /// Nobody asks for this to be cut off; only committed transactions are applied to a live tree.
    committed: Zxid,
    cut: Option<Zxid>,
    /// The history of the tree that is being taken over.
    installing: Option<Vec<Arc<Record>>>,
    epoch: Epoch,
    accepted: Epoch,
    current: Epoch,
}

impl Server {
    fn new(seed: u64, blocks: u64, config: StorageConfig) -> Self {
        let key = ChanceKey { part: 0, purpose: "turns" };
        let mut server = Self {
            home: Home::new(seed, blocks),
            storage: Storage::new(config.clone()),
            config,
            tree: DataTree::new(),
            turns: Chance::stream(seed, "test", 0, key),
            ready: false,
            history: Vec::new(),
            ahead: DataTree::new(),
            promised: Zxid::ZERO,
            cached: Zxid::ZERO,
            committed: Zxid::ZERO,
            cut: None,
            installing: None,
            epoch: Epoch(1),
            accepted: Epoch(0),
            current: Epoch(0),
        };
        server.play(|storage, cx, events| storage.recover(cx, events));
        server
    }

    fn play(
        &mut self,
        play: impl FnOnce(&mut Storage, &mut machine::Context<'_, ServerNote>, &mut Vec<StorageEvent>),
    ) {
        let mut events = Vec::new();
        let storage = &mut self.storage;
        self.home.play(|cx| play(storage, cx, &mut events));
        for event in events {
            self.told(event);
        }
    }

    fn told(&mut self, event: StorageEvent) {
        match event {
            StorageEvent::Recovered(recovered) => self.recovered(&recovered),
            StorageEvent::Synced { upto } => {
                self.promised = self.promised.max(self.cut.map_or(upto, |to| to.min(upto)));
            }
            StorageEvent::EpochAccepted { epoch } => self.accepted = self.accepted.max(epoch),
            StorageEvent::EpochCurrent { epoch } => self.current = self.current.max(epoch),
            StorageEvent::SnapshotTaken { .. } => self.installed(),
            StorageEvent::Unreadable(why) => panic!("does not start: {why}"),
            StorageEvent::Failed { what, error } => panic!("{what}: {error:?}"),
        }
    }

    fn recovered(&mut self, recovered: &Recovered) {
        let last = recovered.last;
        assert!(last >= self.promised, "{} was promised, {last} is there", self.promised);
        assert!(last >= self.cached, "{} was written, {last} is there", self.cached);
        if let Some(to) = self.cut.take() {
            assert_eq!(last, to, "cut");
        }
        if let Some(installing) = self.installing.take_if(|new| last_of(new) == last) {
            // What was before it is nowhere else: it cannot be cut away from under it.
            (self.history, self.committed) = (installing, last);
        }
        self.installing = None;
        self.history.retain(|record| record.header.zxid <= last);
        assert_eq!(last_of(&self.history), last, "what is there was appended and not cut off");
        self.ahead = tree_of(&self.history);
        assert_eq!(recovered.tree.digest(), self.ahead.digest(), "the tree at {last}");
        assert_eq!(recovered.tree.sessions(), self.ahead.sessions(), "the sessions at {last}");
        assert!(self.history.ends_with(&recovered.history), "what was replayed was appended");
        assert!(recovered.accepted >= self.accepted, "acceptedEpoch {}", self.accepted);
        assert!(recovered.current >= self.current, "currentEpoch {}", self.current);
        assert!(recovered.accepted >= recovered.current && recovered.current >= last.epoch());
        self.tree = recovered.tree.clone();
        (self.promised, self.cached, self.ready) = (last, last, true);
        self.epoch = Epoch(recovered.accepted.0 + 1);
        self.accepted = recovered.accepted;
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Append(count) => (0..*count).for_each(|_| self.append()),
            Act::Pump(steps) => drop((0..*steps).take_while(|_| self.step()).count()),
            Act::Settle => {
                assert!((0..100_000).any(|_| !self.step()), "it never comes to rest");
            }
            Act::Commit(count) if self.ready => self.commit(usize::from(*count)),
            Act::Snapshot(synced) if self.ready => {
                let tree = self.tree.clone();
                self.play(|storage, cx, _| storage.snapshot(&tree, *synced, cx));
            }
            Act::Truncate(back) => self.truncate(usize::from(*back)),
            Act::Install(less, more) => self.install(usize::from(*less), u32::from(*more)),
            Act::Epoch if self.ready => {
                let epoch = self.epoch;
                if self.accepted < epoch {
                    self.play(|storage, cx, events| storage.accept_epoch(epoch, cx, events));
                } else {
                    self.play(|storage, cx, events| storage.enter_epoch(epoch, cx, events));
                }
            }
            Act::Commit(_) | Act::Snapshot(_) | Act::Epoch => {}
            Act::Kill => {
                if self.ready {
                    self.cached = self.storage.logged();
                }
                self.home.plates.kill();
                self.live_again();
            }
            Act::PowerLoss => {
                self.home.plates.lose_power();
                self.cached = Zxid::ZERO;
                self.live_again();
            }
        }
    }

    fn live_again(&mut self) {
        self.storage = Storage::new(self.config.clone());
        self.tree = DataTree::new();
        (self.ready, self.cut) = (false, None);
        self.play(|storage, cx, events| storage.recover(cx, events));
    }

    /// Gives one input that is due; false if none is.
    fn step(&mut self) -> bool {
        let wakes = self.storage.wake_at().is_some_and(|at| at <= self.home.now);
        let woke = wakes && self.turns.one_in(1, 2);
        let Some(input) =
            (if woke { None } else { self.home.plates.answer() }).or(wakes.then_some(Input::Woke))
        else {
            return false;
        };
        let tree = self.tree.clone();
        self.play(|storage, cx, events| storage.handle(&input, &tree, cx, events));
        true
    }

    fn append(&mut self) {
        if !self.ready || self.accepted < self.epoch {
            return;
        }
        let last = last_of(&self.history);
        let next = if last.epoch() == self.epoch { last.counter() + 1 } else { 1 };
        let zxid = Zxid::new(self.epoch, next);
        let record = Arc::new(transaction(zxid, &self.ahead));
        self.ahead.apply(&record.header, &record.txn, false);
        self.history.push(record.clone());
        self.play(|storage, cx, events| storage.append(record, cx, events));
    }

    fn commit(&mut self, count: usize) {
        let applied = self.tree.last_zxid();
        let next = self.history.iter().filter(|record| record.header.zxid > applied).take(count);
        for record in next.take_while(|record| record.header.zxid <= self.promised) {
            self.tree.apply(&record.header, &record.txn, false);
            self.committed = self.committed.max(record.header.zxid);
        }
    }

    fn install(&mut self, less: usize, more: u32) {
        if !self.ready || self.accepted < self.epoch {
            return;
        }
        let mut new = self.history.clone();
        for _ in 0..less {
            new.pop_if(|record| record.header.zxid > self.committed);
        }
        self.promised = self.promised.min(last_of(&new));
        // A leader has an epoch of its own.
        let fresh = last_of(&self.history).epoch() < self.epoch;
        for counter in 1..=more * u32::from(fresh) {
            new.push(Arc::new(transaction(Zxid::new(self.epoch, counter), &tree_of(&new))));
        }
        let zxid = last_of(&new);
        self.tree = tree_of(&new);
        (self.ready, self.cached, self.installing) = (false, Zxid::ZERO, Some(new));
        let tree = self.tree.clone();
        self.play(|storage, cx, events| {
            storage.reset_after_install(zxid, cx, events);
            storage.snapshot(&tree, true, cx);
        });
    }

    fn installed(&mut self) {
        let Some(new) = self.installing.take() else { return };
        self.history = new;
        let last = last_of(&self.history);
        (self.promised, self.committed, self.ready) = (last, last, true);
        self.ahead = self.tree.clone();
        self.epoch = Epoch(self.accepted.0 + 1);
    }

    fn truncate(&mut self, back: usize) {
        // What was purged cannot be gone back to; a leader would send its tree.
        let purges = self.config.purge_interval > Duration::ZERO;
        let Some(index) = self.history.len().checked_sub(1 + back) else { return };
        let to = self.history[index].header.zxid;
        if !self.ready || purges || to < self.committed {
            return;
        }
        (self.ready, self.cut) = (false, Some(to));
        self.promised = self.promised.min(to);
        self.cached = Zxid::ZERO;
        self.play(|storage, cx, events| storage.truncate(to, cx, events));
    }
}

fn last_of(history: &[Arc<Record>]) -> Zxid {
    history.last().map_or(Zxid::ZERO, |record| record.header.zxid)
}

fn tree_of(history: &[Arc<Record>]) -> DataTree {
    let mut tree = DataTree::new();
    for record in history {
        tree.apply(&record.header, &record.txn, false);
    }
    tree
}

/// Something that fits the tree as it is: znodes come, change and go, sessions too.
fn transaction(zxid: Zxid, tree: &DataTree) -> Record {
    let newest = tree.iter().filter(|(path, _)| path.starts_with("/n")).last();
    let newest = newest.map(|(path, node)| (path.clone(), node.persisted().version));
    let creates = tree.get("/").expect("there is a root").persisted().creates;
    let session = SessionId(i64::from(zxid.counter() / 7 + 1));
    let txn = match (zxid.counter() % 7, newest) {
        (0, _) => Txn::CreateSession { timeout_ms: 6_000 },
        (3, Some((path, version))) => {
            Txn::SetData { path, data: Some("y".into()), version: version + 1 }
        }
        (4, Some((path, _))) => Txn::Delete { path },
        (5, _) => Txn::Error { code: -101 },
        (6, _) => Txn::CloseSession,
        (odd, _) => Txn::Create {
            path: format!("/n{}", zxid.0).into(),
            data: Some(vec![7; 40_000].into()),
            acl: Acl::open(),
            ephemeral: odd == 2,
            parent_cversion: creates + 1,
        },
    };
    let cxid = 0;
    Record::new(TxnHeader { session, cxid, zxid, time_ms: 0 }, txn)
}

fn busy(purges: bool) -> StorageConfig {
    let purge_interval = if purges { Duration::from_micros(1) } else { Duration::ZERO };
    StorageConfig { snap_count: 8, purge_interval, ..config(Mechanisms::default()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_promised_is_there_and_what_was_cut_off_is_not(
        seed in any::<u64>(),
        blocks in prop_oneof![Just(0u64), Just(30)],
        purges in any::<bool>(),
        acts in acts(),
    ) {
        let mut server = Server::new(seed, blocks, busy(purges));
        for act in &acts {
            server.home.now += Duration::from_micros(1);
            server.act(act);
        }
        for last in [Act::Settle, Act::PowerLoss, Act::Settle] {
            server.act(&last);
        }
        prop_assert!(server.ready);
    }

    #[test]
    fn a_disk_that_blocks_changes_nothing(seed in any::<u64>(), acts in acts()) {
        let logs = |blocks| {
            let mut server = Server::new(seed, blocks, busy(false));
            for act in [Act::Settle, Act::Epoch, Act::Settle] {
                server.act(&act);
            }
            for act in &acts {
                match act {
                    // Where it stands in the middle depends on the disk; what it comes to must not.
                    Act::Kill | Act::PowerLoss | Act::Epoch => {}
                    Act::Commit(_) => {
                        server.act(&Act::Settle);
                        server.act(act);
                    }
                    Act::Truncate(_) | Act::Install(..) => {
                        for act in [Act::Settle, act.clone(), Act::Settle, Act::Epoch, Act::Settle] {
                            server.act(&act);
                        }
                    }
                    act => server.act(act),
                }
            }
            server.act(&Act::Settle);
            let logs = server.home.plates.cached.into_iter();
            logs.filter(|(path, _)| !path.contains("snapshot")).collect::<Vec<_>>()
        };
        prop_assert_eq!(logs(0), logs(60));
    }
}
