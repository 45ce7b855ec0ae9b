//! A disk that says no: what is told, what stops, and what a next recovery makes of it.

use std::sync::Arc;

use coordinator::id::{Epoch, Zxid};
use coordinator::log::{Storage, StorageConfig, StorageEvent};
use coordinator::mechanism::{Mechanisms, Preset};
use coordinator::note::ServerNote;
use coordinator::tree::DataTree;
use machine::{DiskError, Input};

use crate::host::Home;
use crate::keeper::{config, create};

/// A log on a disk that can be told to fail.
struct Ailing {
    home: Home,
    storage: Storage,
    events: Vec<StorageEvent>,
    notes: Vec<ServerNote>,
}

impl Ailing {
    fn new(config: StorageConfig) -> Self {
        let storage = Storage::new(config);
        let mut ailing =
            Self { home: Home::new(0, 0), storage, events: Vec::new(), notes: Vec::new() };
        ailing.recover();
        ailing
    }

    fn recover(&mut self) {
        let (storage, events) = (&mut self.storage, &mut self.events);
        self.home.play(|cx| storage.recover(cx, events));
        self.settle();
    }

    fn append(&mut self, counter: u32) {
        let record = Arc::new(create(Zxid::new(Epoch(1), counter)));
        let (storage, events) = (&mut self.storage, &mut self.events);
        let ((), notes) = self.home.play(|cx| storage.append(record, cx, events));
        self.notes.extend(notes);
        self.settle();
    }

    fn settle(&mut self) {
        let tree = DataTree::new();
        loop {
            let woken = || self.storage.wake_at().map(|_| Input::Woke);
            let Some(input) = self.home.plates.answer().or_else(woken) else { return };
            let (storage, events) = (&mut self.storage, &mut self.events);
            let ((), notes) = self.home.play(|cx| storage.handle(&input, &tree, cx, events));
            self.notes.extend(notes);
        }
    }

    /// What was told since the last time, in short.
    fn told(&mut self) -> Vec<String> {
        let short = |event| match event {
            StorageEvent::Recovered(recovered) => format!("recovered {}", recovered.last),
            StorageEvent::Synced { upto } => format!("synced {upto}"),
            StorageEvent::Failed { what, error } => format!("failed {what}: {error:?}"),
            StorageEvent::Unreadable(why) => format!("unreadable {why}"),
            other => panic!("{other:?}"),
        };
        self.events.drain(..).map(short).collect()
    }
}

#[test]
fn a_disk_full_at_a_new_log_stops_the_log_and_old_versions_for_good() {
    for (preset, then) in [
        (Preset::Fixed, "recovered 0x0"),
        (Preset::V3_6_3, "unreadable /d/version-2/log.100000001: the header is not complete"),
    ] {
        let mut log = Ailing::new(config(preset.mechanisms()));
        assert_eq!(log.told(), ["recovered 0x0"]);
        log.home.plates.write_fails = Some((0, DiskError::NoSpace));
        log.append(1);
        assert_eq!(log.told(), ["failed creating a transaction log: NoSpace"]);
        assert!(log.notes.contains(&ServerNote::DiskFailed("creating a transaction log")));
        log.home.plates.write_fails = None;
        log.append(2);
        assert_eq!(log.told(), [""; 0], "no later transaction without the earlier");
        log.recover();
        assert_eq!(log.told(), [then], "{preset}");
    }
}

#[test]
fn after_a_failed_write_the_log_is_as_it_was_and_goes_on_in_a_new_file() {
    let mut log = Ailing::new(config(Mechanisms::default()));
    log.append(1);
    log.home.plates.write_fails = Some((0, DiskError::Io));
    log.append(2);
    log.home.plates.write_fails = None;
    log.recover();
    log.append(2);
    let expected = [
        "recovered 0x0",
        "synced 0x100000001",
        "failed writing the transaction log: Io",
        "recovered 0x100000001",
        "synced 0x100000002",
    ];
    assert_eq!(log.told(), expected);
    assert!(log.home.plates.cached.contains_key("/d/version-2/log.100000002"));
}

#[test]
fn a_failed_sync_is_told_and_nothing_counts_as_synced() {
    let mut log = Ailing::new(config(Mechanisms::default()));
    log.told();
    log.home.plates.sync_fails = Some(DiskError::Io);
    log.append(1);
    assert_eq!(log.told(), ["failed syncing the transaction log: Io"]);
    assert_eq!(log.storage.synced(), Zxid::ZERO);
    log.recover();
    assert_eq!(log.told(), ["failed syncing what was recovered: Io"]);
}

#[test]
fn every_write_of_a_snapshot_may_fail() {
    for writes in 0..3 {
        let mut log = Ailing::new(config(Mechanisms::default()));
        log.told();
        log.home.plates.write_fails = Some((writes, DiskError::NoSpace));
        let storage = &mut log.storage;
        log.home.play(|cx| storage.snapshot(&DataTree::new(), true, cx));
        log.settle();
        assert_eq!(log.told(), ["failed writing a snapshot: NoSpace"]);
        log.home.plates.write_fails = None;
        log.recover();
        assert_eq!(log.told(), ["recovered 0x0"]);
    }
}
