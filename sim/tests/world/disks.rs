//! What disks keep, lose and damage.

use std::collections::BTreeSet;

use machine::{DiskError, Duration};
use sim::world::{DiskFault, Fault};

use crate::toys::{Stage, Toy, ms, on_disk, within};

/// Writes 100 bytes of `a` and syncs them, then 1000 bytes of `b` that it does not sync.
fn writer() -> Toy {
    Toy::new()
        .at(1, |toy, cx| {
            on_disk(toy, cx, |disk| disk.create_dir("/d"));
            on_disk(toy, cx, |disk| disk.append("/d/log", &[b'a'; 100]));
            cx.disk().sync("/d/log");
        })
        .at(100, |toy, cx| on_disk(toy, cx, |disk| disk.append("/d/log", &[b'b'; 1_000])))
}

fn disk(stage: &mut Stage, fault: DiskFault) -> &mut Stage {
    let node = stage.nodes[0];
    stage.apply(Fault::Disk { node, fault })
}

fn file(stage: &Stage, path: &str) -> Option<Vec<u8>> {
    stage.world.file(stage.nodes[0], path).map(Vec::from)
}

fn durable(stage: &Stage, path: &str) -> Option<u64> {
    stage.world.durable_len(stage.nodes[0], path)
}

fn names(stage: &Stage) -> Vec<String> {
    stage.world.files(stage.nodes[0]).map(|(path, _)| path.to_owned()).collect()
}

#[test]
fn a_sync_takes_its_time_and_then_the_bytes_are_durable() {
    let mut stage = Stage::new(1, [writer]);
    stage.run(ms(1));
    assert_eq!(durable(&stage, "/d/log"), None, "not even the name");
    stage.run(ms(50));
    let (at, _, result) = stage.toy(0).synced[0];
    assert_eq!(result, Ok(()));
    assert!(within(at, 2, 5));
    assert_eq!(durable(&stage, "/d/log"), Some(100));
    stage.run(ms(150));
    assert_eq!(durable(&stage, "/d/log"), Some(100), "the rest was not synced");
    assert_eq!(names(&stage), ["/d/log"]);
}

#[test]
fn the_kernel_writes_back_what_is_old_enough() {
    for seed in 1..=20 {
        let mut stage = Stage::new(seed, [writer]);
        stage.run(ms(36_000));
        let node = stage.nodes[0];
        let host = stage.world.host_of(node);
        // The kernel looks when the disk is used, or at the latest when the power goes.
        stage.apply(Fault::PowerLoss { host });
        assert_eq!(file(&stage, "/d/log").map(|bytes| bytes.len()), Some(1_100));
    }
}

#[test]
fn a_sync_covers_what_was_written_before_it_was_asked() {
    fn eager() -> Toy {
        Toy::new().at(1, |toy, cx| {
            on_disk(toy, cx, |disk| disk.append("/f", b"before"));
            cx.disk().sync("/f");
            on_disk(toy, cx, |disk| disk.append("/f", b"after"));
        })
    }
    let mut stage = Stage::new(1, [eager]);
    stage.run(ms(50));
    assert_eq!(durable(&stage, "/f"), Some(6));
}

#[test]
fn a_killed_process_loses_nothing() {
    let mut stage = Stage::new(1, [writer]);
    stage.run(ms(101)).kill(0).restart(0).run(ms(110));
    assert_eq!(file(&stage, "/d/log").map(|bytes| bytes.len()), Some(1_100));
}

/// What is left of the log over many seeds: lengths, and whether there is a hole.
fn left_by_power_loss(torn: bool) -> BTreeSet<&'static str> {
    let one = |seed| {
        let mut stage = Stage::new(seed, [writer]);
        disk(&mut stage, DiskFault::TornTail(torn)).run(ms(101)).power_loss(0).restart(0);
        let bytes = file(&stage, "/d/log").expect("it was synced");
        assert!(bytes.len() >= 100 && bytes[..100].iter().all(|byte| *byte == b'a'));
        match bytes.len() {
            _ if bytes.contains(&0) => "a hole",
            100 => "nothing of it",
            1_100 => "all of it",
            _ => "its beginning",
        }
    };
    (0..40).map(one).collect()
}

#[test]
fn power_loss_keeps_a_prefix_of_what_was_not_synced() {
    assert_eq!(left_by_power_loss(false), ["all of it", "nothing of it"].into());
}

#[test]
fn with_torn_tails_the_last_write_may_be_cut_or_holed() {
    let all = ["a hole", "all of it", "its beginning", "nothing of it"];
    assert_eq!(left_by_power_loss(true), all.into());
}

#[test]
fn overwrites_and_truncations_are_taken_back_too() {
    fn editor() -> Toy {
        Toy::new()
            .at(1, |toy, cx| {
                on_disk(toy, cx, |disk| disk.append("/f", b"0123456789"));
                cx.disk().sync("/f");
            })
            .at(100, |toy, cx| {
                on_disk(toy, cx, |disk| disk.write("/f", 8, b"WXYZ"));
                on_disk(toy, cx, |disk| disk.truncate("/f", 4));
                on_disk(toy, cx, |disk| disk.append("/f", b"new"));
            })
    }
    let one = |seed| {
        let mut stage = Stage::new(seed, [editor]);
        stage.run(ms(101));
        assert_eq!(file(&stage, "/f").as_deref(), Some(&b"0123new"[..]));
        assert_eq!(durable(&stage, "/f"), Some(4));
        stage.power_loss(0);
        String::from_utf8(file(&stage, "/f").expect("synced")).expect("text")
    };
    let left: BTreeSet<String> = (0..40).map(one).collect();
    let expected = ["0123456789", "01234567WXYZ", "0123", "0123new"];
    assert_eq!(left, expected.map(String::from).into());
}

/// Writes a temporary file, syncs it and renames it; if `dir`, syncs the directory.
fn replacer(dir: bool) -> Toy {
    let toy = Toy::new()
        .at(1, |toy, cx| {
            on_disk(toy, cx, |disk| disk.append("/f", b"old"));
            cx.disk().sync("/f");
        })
        .at(50, |toy, cx| {
            on_disk(toy, cx, |disk| disk.append("/f.tmp", b"new"));
            cx.disk().sync("/f.tmp");
        })
        .at(100, |toy, cx| on_disk(toy, cx, |disk| disk.rename("/f.tmp", "/f")));
    if dir {
        toy.at(150, |_, cx| {
            cx.disk().sync_dir("/");
        })
    } else {
        toy
    }
}

#[test]
fn a_rename_without_a_sync_may_be_lost() {
    let one = |seed| {
        let mut stage = Stage::new(seed, [|| replacer(false)]);
        stage.run(ms(120));
        assert_eq!(durable(&stage, "/f"), None, "which file has that name is not sure");
        stage.power_loss(0);
        file(&stage, "/f").expect("one of them")
    };
    let left: BTreeSet<Vec<u8>> = (0..20).map(one).collect();
    assert_eq!(left, [b"old".to_vec(), b"new".to_vec()].into());
}

#[test]
fn a_strict_disk_surely_loses_renames_without_a_directory_sync() {
    for (dir, expected) in [(false, b"old"), (true, b"new")] {
        for seed in 0..5 {
            let make = if dir { || replacer(true) } else { || replacer(false) };
            let mut stage = Stage::new(seed, [make]);
            disk(&mut stage, DiskFault::LoseRenames(true)).run(ms(200)).power_loss(0);
            assert_eq!(file(&stage, "/f").as_deref(), Some(&expected[..]));
            let temporary = file(&stage, "/f.tmp").is_some();
            assert_eq!(temporary, !dir, "the temporary file was synced, its rename was not");
        }
    }
}

#[test]
fn any_sync_saves_earlier_directory_operations() {
    fn remover() -> Toy {
        Toy::new()
            .at(1, |toy, cx| {
                on_disk(toy, cx, |disk| disk.append("/old", b"1"));
                cx.disk().sync("/old");
            })
            .at(50, |toy, cx| {
                on_disk(toy, cx, |disk| disk.remove("/old"));
                on_disk(toy, cx, |disk| disk.append("/new", b"2"));
                cx.disk().sync("/new");
            })
    }
    for seed in 0..10 {
        let mut stage = Stage::new(seed, [remover]);
        stage.run(ms(100)).power_loss(0);
        assert_eq!(names(&stage), ["/new"]);
    }
}

#[test]
fn a_full_disk_takes_what_fits_and_room_comes_back() {
    fn filler() -> Toy {
        Toy::new()
            .at(10, |toy, cx| on_disk(toy, cx, |disk| disk.append("/f", &[1; 60])))
            .at(11, |toy, cx| on_disk(toy, cx, |disk| disk.append("/f", &[1; 60])))
            .at(12, |toy, cx| on_disk(toy, cx, |disk| disk.write("/f", 0, &[1; 60])))
            .at(13, |toy, cx| on_disk(toy, cx, |disk| disk.truncate("/f", 0)))
            .at(14, |toy, cx| on_disk(toy, cx, |disk| disk.append("/f", &[1; 100])))
            .at(20, |toy, cx| on_disk(toy, cx, |disk| disk.append("/f", &[1; 1])))
    }
    let mut stage = Stage::new(1, [filler]);
    disk(&mut stage, DiskFault::Full { free_bytes: 100 }).run(ms(15));
    disk(&mut stage, DiskFault::Freed).run(ms(25));
    let expected = [Ok(()), Err(DiskError::NoSpace), Ok(()), Ok(()), Ok(()), Ok(())];
    assert_eq!(stage.toy(0).disk, expected);
}

#[test]
fn a_broken_device_says_so_until_it_is_mended() {
    let mut stage = Stage::new(1, [writer]);
    disk(&mut stage, DiskFault::FailSyncs).run(ms(50));
    assert_eq!(stage.toy(0).synced[0].2, Err(DiskError::Io));
    assert_eq!(durable(&stage, "/d/log"), None);
    disk(&mut stage, DiskFault::FailWrites).run(ms(150));
    assert_eq!(stage.toy(0).disk, [Ok(()), Ok(()), Err(DiskError::Io)]);

    let mut stage = Stage::new(1, [writer]);
    disk(&mut stage, DiskFault::FailWrites);
    disk(&mut stage, DiskFault::Mend).run(ms(150));
    assert_eq!(stage.toy(0).disk, [Ok(()), Ok(()), Ok(())]);
}

#[test]
fn a_lying_sync_says_yes_and_saves_nothing() {
    let mut lost = false;
    for seed in 0..10 {
        let mut stage = Stage::new(seed, [writer]);
        disk(&mut stage, DiskFault::LyingSync(true)).run(ms(50));
        assert_eq!(stage.toy(0).synced[0].2, Ok(()));
        assert_eq!(durable(&stage, "/d/log"), None, "the truth");
        stage.power_loss(0);
        lost |= file(&stage, "/d/log").is_none();
    }
    assert!(lost);
}

#[test]
fn rot_flips_one_bit_where_it_was_told_to() {
    let mut stage = Stage::new(1, [writer]);
    let rot = |path: &str| DiskFault::BitRot { path_contains: path.into() };
    disk(stage.run(ms(50)), rot("nothing")).run(ms(51));
    assert_eq!(file(&stage, "/d/log"), Some(vec![b'a'; 100]));
    disk(&mut stage, rot("log"));
    let bits = |bytes: Vec<u8>| bytes.iter().map(|byte| (byte ^ b'a').count_ones()).sum::<u32>();
    assert_eq!(file(&stage, "/d/log").map(bits), Some(1));
    stage.power_loss(0);
    assert_eq!(file(&stage, "/d/log").map(bits), Some(1), "durable bytes rot too");
}

#[test]
fn a_wiped_disk_is_empty() {
    let mut stage = Stage::new(1, [writer]);
    let node = stage.nodes[0];
    stage.run(ms(50)).kill(0).apply(Fault::Wipe { node }).restart(0).run(ms(60));
    assert!(names(&stage).is_empty());
}

#[test]
fn a_stalled_disk_blocks_calls_and_holds_syncs() {
    let mut stage = Stage::new(1, [writer]);
    disk(stage.run(ms(1)), DiskFault::Stall).run(ms(500));
    assert!(stage.toy(0).synced.is_empty());
    let Err(DiskError::WouldBlock(ticket)) = stage.toy(0).disk[2] else {
        panic!("the append at 100 ms would block");
    };
    assert_eq!(file(&stage, "/d/log").map(|bytes| bytes.len()), Some(100), "it did not happen");
    disk(&mut stage, DiskFault::Resume).run(ms(600));
    assert_eq!(stage.toy(0).ready, [(ms(500), ticket)]);
    assert!(within(stage.toy(0).synced[0].0, 501, 504));
}

#[test]
fn a_stalled_disk_lets_read_what_is_in_the_page_cache() {
    fn reader() -> Toy {
        Toy::new()
            .at(1, |toy, cx| {
                on_disk(toy, cx, |disk| disk.create_dir("/d"));
                on_disk(toy, cx, |disk| disk.append("/d/log", b"some"));
                cx.disk().sync("/d/log");
            })
            .at(100, |toy, cx| on_disk(toy, cx, |disk| disk.read("/d/log", 0, 4).map(drop)))
    }
    let mut stage = Stage::new(1, [reader]);
    disk(stage.run(ms(50)), DiskFault::Stall).run(ms(150));
    assert_eq!(stage.toy(0).disk[2], Ok(()), "it was written since the power came on");
}

#[test]
fn sync_latency_is_what_the_fault_says() {
    let mut stage = Stage::new(1, [writer]);
    let (low, high) = (Duration::from_millis(40), Duration::from_millis(45));
    disk(&mut stage, DiskFault::SyncLatency { low, high }).run(ms(90));
    assert!(within(stage.toy(0).synced[0].0, 41, 46));
}

#[test]
fn directories_list_their_names() {
    fn lister() -> Toy {
        Toy::new().at(1, |toy, cx| {
            on_disk(toy, cx, |disk| disk.create_dir("/d/e"));
            on_disk(toy, cx, |disk| disk.append("/d/log.2", b"x"));
            on_disk(toy, cx, |disk| disk.append("/d/log.1", b"x"));
            let disk = cx.disk();
            assert_eq!(disk.list("/d"), Ok(["e", "log.1", "log.2"].map(String::from).into()));
            assert_eq!(disk.list("/"), Ok(vec!["d".into()]));
            assert_eq!(disk.list("/x"), Err(DiskError::NotFound));
            assert_eq!(disk.append("/x/f", b"x"), Err(DiskError::NotFound));
            assert_eq!(disk.len("/d/log.1"), Ok(1));
            assert_eq!(disk.read("/d/log.1", 1, 5).as_deref(), Ok(&b""[..]));
            assert_eq!(disk.write("/d/log.1", 2, b"x"), Err(DiskError::Io));
            cx.note(crate::toys::Said("done".into()));
        })
    }
    let mut stage = Stage::new(1, [lister]);
    let mut said = 0;
    stage.run_seeing(ms(9), |step| said += step.notes.len());
    assert_eq!(said, 1);
}
