//! The bytes of the files, and what happens when they are not what a server wrote.

use coordinator::log::{Storage, StorageEvent, snapshot};
use coordinator::mechanism::Mechanisms;
use coordinator::tree::DataTree;
use insta::assert_snapshot;
use machine::Input;
use machine::transcript::Bench;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::host::Home;
use crate::keeper::{Keeper, bench, config, create, settle, tell};

const LOG: &str = "/d/version-2/log.100000001";
const SNAPSHOT: &str = "/d/version-2/snapshot.100000002";

fn written() -> Bench<Keeper> {
    let mut bench = bench(config(Mechanisms::default()));
    bench.boot();
    settle(&mut bench);
    for command in ["accept 1", "append 1:1", "append 1:2", "snapshot synced"] {
        tell(&mut bench, command);
    }
    settle(&mut bench);
    bench
}

fn file(path: &str) -> Vec<u8> {
    written().disk().files()[path].clone()
}

/// Sixteen bytes to a line, as `xxd` would.
fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_log_is_header_and_entries() {
    assert_snapshot!(hex(&file(LOG)));
}

#[test]
fn a_snapshot_is_header_tree_checksum_and_end() {
    let bytes = file(SNAPSHOT);
    assert_snapshot!(hex(&bytes));
    let tree = &bytes[16..bytes.len() - 13];
    let read = snapshot::deserialize(tree, written().machine().tree.last_zxid());
    assert_eq!(read.as_ref(), Ok(&written().machine().tree));
    assert_eq!(snapshot::serialize(&read.expect("just compared")), tree);
}

/// Starts on these files; the only event that came.
fn start(files: &[(&str, Vec<u8>)]) -> StorageEvent {
    let mut home = Home::new(0, 0);
    for (path, bytes) in files {
        home.plates.cached.insert((*path).to_owned(), bytes.clone());
    }
    let mut storage = Storage::new(config(Mechanisms::default()));
    let mut events = Vec::new();
    home.play(|cx| storage.recover(cx, &mut events));
    let tree = DataTree::new();
    for _ in 0..10_000 {
        if let Some(event) = events.pop() {
            return event;
        }
        let input = home.plates.answer().unwrap_or(Input::Woke);
        home.play(|cx| storage.handle(&input, &tree, cx, &mut events));
    }
    panic!("recovery does not end");
}

fn last_of(event: &StorageEvent) -> Option<u32> {
    match event {
        StorageEvent::Recovered(recovered) => Some(recovered.last.counter()),
        StorageEvent::Unreadable(_) => None,
        other => panic!("{other:?} is no answer to a start"),
    }
}

#[test]
fn a_log_cut_anywhere_keeps_what_is_whole() {
    let whole = file(LOG);
    let entry = 12 + create(coordinator::id::Zxid(0x1_0000_0001)).bytes.len() + 1;
    for length in 0..=whole.len() {
        let event = start(&[(LOG, whole[..length].to_vec())]);
        let entries = length.saturating_sub(16) / entry;
        assert_eq!(last_of(&event), Some(entries as u32), "cut at {length}");
        let mut padded = whole[..length].to_vec();
        padded.resize(whole.len() + 4096, 0);
        if length >= 16 {
            assert_eq!(last_of(&start(&[(LOG, padded)])), Some(entries as u32), "padded {length}");
        }
    }
}

#[test]
fn a_snapshot_cut_anywhere_is_none_and_a_damaged_one_is_an_error() {
    let (log, whole) = (file(LOG), file(SNAPSHOT));
    for length in 0..whole.len() {
        let files = [(LOG, log.clone()), (SNAPSHOT, whole[..length].to_vec())];
        assert_eq!(last_of(&start(&files)), Some(2), "cut at {length}");
    }
    for at in 0..whole.len() - 5 {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        // The log identifier in the header is not looked at, but summed like everything else.
        assert_eq!(last_of(&start(&[(LOG, log.clone()), (SNAPSHOT, damaged)])), None, "at {at}");
    }
}

#[test]
fn a_flipped_bit_in_an_entry_is_never_read_as_another_transaction() {
    let whole = file(LOG);
    for at in 16..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            // A damaged length looks like a torn end: history is lost without a word, as in ZooKeeper. Anything else stops.
            let last = last_of(&start(&[(LOG, damaged)]));
            assert!(last.is_none_or(|last| last < 2), "bit {bit} at {at}: {last:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_recovered_or_refused(
        log in vec(any::<u8>(), 0..200),
        snapshot in vec(any::<u8>(), 0..200),
        epoch in vec(any::<u8>(), 0..40),
        dressed in any::<bool>(),
    ) {
        let (mut log, mut snapshot) = (log, snapshot);
        if dressed {
            log.splice(0..0, file(LOG)[..16].to_vec());
            snapshot.splice(0..0, file(SNAPSHOT)[..16].to_vec());
            snapshot.extend_from_slice(&[0, 0, 0, 1, b'/']);
        }
        for files in [
            vec![(LOG, log.clone())],
            vec![(SNAPSHOT, snapshot.clone())],
            vec![("/d/version-2/currentEpoch", epoch.clone()), (LOG, file(LOG))],
            vec![("/d/version-2/acceptedEpoch", epoch.clone())],
        ] {
            last_of(&start(&files));
        }
    }
}
