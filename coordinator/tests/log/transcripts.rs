//! What a server asks of its disk, call by call.

use coordinator::mechanism::{Mechanisms, Mutant, Preset};
use insta::assert_snapshot;
use machine::transcript::Bench;

use crate::keeper::{Keeper, bench, config, settle, tell};

/// A server that has started on an empty disk.
fn started(mechanisms: Mechanisms) -> Bench<Keeper> {
    let mut bench = bench(config(mechanisms));
    bench.boot();
    settle(&mut bench);
    bench.take();
    bench
}

#[test]
fn an_empty_disk_is_a_history_too() {
    let mut bench = bench(config(Mechanisms::default()));
    bench.boot();
    settle(&mut bench);
    assert_snapshot!(bench.take());
}

#[test]
fn transactions_that_arrive_during_a_sync_share_the_next() {
    let mut bench = bench(config(Mechanisms::default())).holding_syncs();
    bench.boot();
    settle(&mut bench);
    bench.sync();
    bench.take();
    for command in ["append 1:1", "append 1:2", "append 1:3"] {
        tell(&mut bench, command);
    }
    bench.sync();
    assert_snapshot!(bench.take());
}

#[test]
fn without_force_sync_written_is_synced() {
    let mut bench = bench(coordinator::log::StorageConfig {
        force_sync: false,
        ..config(Mechanisms::default())
    });
    bench.boot();
    settle(&mut bench);
    bench.take();
    tell(&mut bench, "append 1:1");
    tell(&mut bench, "append 1:2");
    assert_snapshot!(bench.take());
}

#[test]
fn the_mutant_tells_before_the_disk_has_it() {
    let mut mechanisms = Mechanisms::default();
    mechanisms.mutants.insert(Mutant::AcksBeforeSync);
    let mut bench = started(mechanisms);
    tell(&mut bench, "append 1:1");
    assert_snapshot!(bench.take());
}

#[test]
fn a_promised_epoch_is_on_disk_with_its_directory() {
    let mut bench = started(Mechanisms::default());
    tell(&mut bench, "accept 3");
    tell(&mut bench, "enter 3");
    let fixed = bench.take();
    let mut bench = started(Preset::V3_6_3.mechanisms());
    bench.remark("released versions do not sync the directory");
    tell(&mut bench, "accept 3");
    assert_snapshot!(fixed + &bench.take());
}

#[test]
fn truncation_takes_the_newer_snapshot_along() {
    let mut bench = started(Mechanisms::default());
    for command in ["accept 1", "append 1:1", "append 1:2", "snapshot synced"] {
        tell(&mut bench, command);
    }
    settle(&mut bench);
    tell(&mut bench, "append 1:3");
    bench.take();
    tell(&mut bench, "truncate 1:1");
    settle(&mut bench);
    tell(&mut bench, "append 2:1");
    assert_snapshot!(bench.take());
}

#[test]
fn released_versions_get_back_what_was_cut_off() {
    let mut bench = started(Preset::V3_4_6.mechanisms());
    for command in ["accept 1", "append 1:1", "append 1:2", "snapshot"] {
        tell(&mut bench, command);
    }
    settle(&mut bench);
    bench.take();
    tell(&mut bench, "truncate 1:1");
    settle(&mut bench);
    assert_snapshot!(bench.take());
}

#[test]
fn a_log_that_is_full_rolls_and_is_followed_by_a_snapshot() {
    let mut bench = bench(coordinator::log::StorageConfig {
        snap_count: 2,
        purge_retain: 1,
        purge_interval: machine::Duration::from_secs(3600),
        ..config(Mechanisms::default())
    });
    bench.boot();
    settle(&mut bench);
    tell(&mut bench, "accept 1");
    bench.take();
    for command in ["append 1:1", "append 1:2", "append 1:3", "append 1:4", "append 1:5"] {
        tell(&mut bench, command);
        settle(&mut bench);
    }
    let rolled = bench.take();
    bench.remark("an hour later, purging");
    bench.advance(machine::Duration::from_secs(3600));
    let names: Vec<_> = bench.disk().files().keys().cloned().collect();
    assert_snapshot!(rolled + &bench.take() + &names.join("\n"));
}

#[test]
fn a_taken_over_tree_begins_a_new_log_and_ends_what_was_ahead_of_it() {
    let mut bench = started(Mechanisms::default());
    for command in ["accept 2", "append 1:1", "append 1:2", "append 1:3"] {
        tell(&mut bench, command);
    }
    bench.take();
    for command in ["install 1:2", "snapshot synced"] {
        tell(&mut bench, command);
    }
    settle(&mut bench);
    tell(&mut bench, "append 2:1");
    assert_snapshot!(bench.take());
}

#[test]
fn a_log_without_a_header_stops_only_old_versions() {
    let mut text = String::new();
    for preset in [Preset::Fixed, Preset::V3_4_14] {
        let mut bench = started(preset.mechanisms());
        tell(&mut bench, "accept 1");
        tell(&mut bench, "append 1:1");
        bench.disk().put("/d/version-2/log.100000002", Vec::new());
        bench.take();
        bench.restart(Keeper::new(config(preset.mechanisms())));
        settle(&mut bench);
        text += &format!("== {preset}\n{}", bench.take());
    }
    assert_snapshot!(text);
}

#[test]
fn logs_without_their_beginning_are_refused_by_all_but_the_oldest() {
    let mut text = String::new();
    for preset in [Preset::Fixed, Preset::V3_4_6] {
        let mut bench = started(preset.mechanisms());
        tell(&mut bench, "accept 1");
        tell(&mut bench, "install 1:7");
        tell(&mut bench, "append 1:8");
        bench.take();
        bench.restart(Keeper::new(config(preset.mechanisms())));
        settle(&mut bench);
        text += &format!("== {preset}\n{}", bench.take());
    }
    assert_snapshot!(text);
}

#[test]
fn epochs_out_of_order_are_refused_but_a_log_ahead_of_its_epoch_is_not() {
    let mut text = String::new();
    for (accepted, current) in [("2", "3"), ("x", "1"), ("4", "1"), ("1", "1")] {
        let mut bench = started(Mechanisms::default());
        tell(&mut bench, "append 2:1");
        bench.disk().put("/d/version-2/acceptedEpoch", accepted);
        bench.disk().put("/d/version-2/currentEpoch", current);
        bench.take();
        bench.restart(Keeper::new(config(Mechanisms::default())));
        settle(&mut bench);
        text += &format!("== accepted {accepted}, current {current}\n{}", bench.take());
    }
    assert_snapshot!(text);
}
