//! Files, syncs, clocks and chance.

use machine::{Context, Disk, DiskError, Input, Ticket};

use crate::arms::Arm;
use crate::puppet::{Door, Hand, Play, Said};

/// Plays `script` once when the node boots.
fn once(script: fn(&mut Context<'_, Said>, &mut Hand)) -> impl Fn(u64) -> Play {
    move |_| {
        Box::new(move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            if input == Input::Booted {
                script(cx, hand);
                hand.write("done");
            }
        })
    }
}

fn text(disk: &mut dyn Disk, path: &str) -> Result<String, DiskError> {
    disk.read(path, 0, 1000).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Every call of the page cache, and what it answers when the file or its directory is not there.
pub fn files_keep_what_they_are_given(arm: &mut dyn Arm) {
    arm.start(
        "a",
        once(|cx, _| {
            let disk = cx.disk();
            assert_eq!(disk.append("/data/log", b"x"), Err(DiskError::NotFound), "no directory");
            assert_eq!(disk.list("/data"), Err(DiskError::NotFound));
            assert_eq!(disk.create_dir("/data/version-2"), Ok(()));
            assert_eq!(disk.create_dir("/data/version-2"), Ok(()), "it exists");
            assert_eq!(disk.append("/data/log", b"hello"), Ok(()));
            assert_eq!(disk.append("/data/log", b" world"), Ok(()));
            assert_eq!(disk.len("/data/log"), Ok(11));
            assert_eq!(text(disk, "/data/log"), Ok("hello world".to_owned()));
            assert_eq!(disk.read("/data/log", 6, 3).as_deref(), Ok(&b"wor"[..]));
            assert_eq!(disk.read("/data/log", 9, 100).as_deref(), Ok(&b"ld"[..]));
            assert_eq!(disk.read("/data/log", 11, 1).as_deref(), Ok(&b""[..]));
            assert_eq!(disk.read("/data/log", 99, 1).as_deref(), Ok(&b""[..]));
            assert_eq!(disk.read("/data/none", 0, 1), Err(DiskError::NotFound));

            assert_eq!(disk.write("/data/log", 0, b"J"), Ok(()));
            assert_eq!(disk.write("/data/log", 11, b"!?"), Ok(()), "at the end");
            assert_eq!(disk.write("/data/log", 14, b"x"), Err(DiskError::Io), "behind the end");
            assert_eq!(disk.write("/data/none", 0, b"x"), Err(DiskError::NotFound));
            assert_eq!(text(disk, "/data/log"), Ok("Jello world!?".to_owned()));

            assert_eq!(disk.truncate("/data/log", 5), Ok(()));
            assert_eq!(disk.truncate("/data/log", 50), Ok(()), "never longer");
            assert_eq!(disk.truncate("/data/none", 0), Err(DiskError::NotFound));
            assert_eq!(text(disk, "/data/log"), Ok("Jello".to_owned()));
            assert_eq!(disk.append("/data/log", b"!"), Ok(()));
            assert_eq!(text(disk, "/data/log"), Ok("Jello!".to_owned()));
        }),
    );
    arm.until("a", "done");
}

/// Names: sorted lists, renames that replace, removals.
pub fn names_can_change(arm: &mut dyn Arm) {
    arm.start(
        "a",
        once(|cx, _| {
            let disk = cx.disk();
            assert_eq!(disk.create_dir("/d/sub"), Ok(()));
            for name in ["/d/zz", "/d/a", "/d/m.10", "/d/m.9", "/d/sub/inner"] {
                assert_eq!(disk.append(name, name.as_bytes()), Ok(()));
            }
            let list = |disk: &mut dyn Disk| disk.list("/d").expect("it exists").join(" ");
            assert_eq!(list(disk), "a m.10 m.9 sub zz");
            assert_eq!(disk.rename("/d/zz", "/d/a"), Ok(()));
            assert_eq!(list(disk), "a m.10 m.9 sub");
            assert_eq!(text(disk, "/d/a"), Ok("/d/zz".to_owned()));
            assert_eq!(disk.rename("/d/zz", "/d/b"), Err(DiskError::NotFound));
            assert_eq!(disk.remove("/d/m.10"), Ok(()));
            assert_eq!(disk.remove("/d/m.10"), Err(DiskError::NotFound));
            assert_eq!(disk.len("/d/m.10"), Err(DiskError::NotFound));
            assert_eq!(disk.rename("/d/sub/inner", "/d/inner"), Ok(()));
            assert_eq!(list(disk), "a inner m.9 sub");
            assert_eq!(disk.list("/d/sub"), Ok(vec![]));
        }),
    );
    arm.until("a", "done");
}

/// Syncs are answered later, each once, and say when there is nothing to sync.
pub fn syncs_are_answered(arm: &mut dyn Arm) {
    arm.start("a", |_| {
        let mut asked: Vec<(Ticket, &'static str)> = Vec::new();
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                let disk = cx.disk();
                disk.create_dir("/data").expect("a fresh disk takes a directory");
                disk.append("/data/log", b"hello").expect("a fresh disk takes a file");
                asked.push((disk.sync("/data/log"), "the file"));
                asked.push((disk.sync_dir("/data"), "the directory"));
                asked.push((disk.sync("/data/none"), "no file"));
                asked.push((disk.sync_dir("/none"), "no directory"));
            }
            Input::Synced { ticket, result } => {
                let at = asked.iter().position(|(wanted, _)| *wanted == ticket);
                let (_, what) = asked.remove(at.expect("each ticket is answered once"));
                hand.write(format!("{what}: {result:?}"));
                if asked.is_empty() {
                    hand.write("done");
                }
            }
            other => panic!("unexpected: {other:?}"),
        }
    });
    arm.until("a", "done");
    for answer in [
        "the file: Ok(())",
        "the directory: Ok(())",
        "no file: Err(NotFound)",
        "no directory: Err(NotFound)",
    ] {
        assert_eq!(arm.diary().count("a", answer), 1, "{answer}; {}", arm.diary().all());
    }
}

/// A sync means the file it was asked for, also when that is renamed at once.
pub fn a_sync_outlives_a_rename(arm: &mut dyn Arm) {
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                cx.disk().append("/new", b"hello").expect("a fresh disk takes a file");
                cx.disk().sync("/new");
                cx.disk().rename("/new", "/old").expect("it was just made");
            }
            Input::Synced { result, .. } => hand.write(format!("{result:?}")),
            other => panic!("unexpected: {other:?}"),
        }
    });
    arm.until("a", "Ok(())");
}

/// Process death keeps the page cache, synced or not.
pub fn files_survive_death(arm: &mut dyn Arm) {
    arm.start("a", |life| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            if input == Input::Booted {
                let found = text(cx.disk(), "/log");
                cx.disk().append("/log", b"x").expect("the root is there");
                hand.write(format!("life {life} finds {found:?}"));
            }
        }
    });
    arm.until("a", "life 1 finds Err(NotFound)");
    arm.kill("a");
    arm.restart("a");
    arm.until("a", "life 2 finds Ok(\"x\")");
    arm.kill("a");
    arm.restart("a");
    arm.until("a", "life 3 finds Ok(\"xx\")");
}

/// Draws depend on the seed, the node, its life and the purpose only: the same numbers in every
/// environment.
pub fn chance_is_the_same_everywhere(arm: &mut dyn Arm) {
    fn draws(cx: Door<'_, '_>, hand: &mut Hand) {
        let first = cx.chance("timeout").below(1_000_000);
        let other = cx.chance("order").below(1_000_000);
        let second = cx.chance("timeout").below(1_000_000);
        hand.write(format!("{first} {other} {second}"));
    }
    let play = |_life| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            if input == Input::Booted {
                draws(cx, hand);
                hand.write("done");
            }
        }
    };
    arm.start("a", play);
    arm.start("b", play);
    arm.until("a", "done");
    arm.kill("a");
    arm.restart("a");
    arm.until_times("a", "done", 2);
    arm.until("b", "done");
    let drawn = |node: &str, life: u64| {
        let draw = |purpose| {
            let key = machine::ChanceKey { part: 0, purpose };
            machine::Chance::stream(crate::arms::SEED, node, life, key)
        };
        let mut timeout = draw("timeout");
        let (first, other) = (timeout.below(1_000_000), draw("order").below(1_000_000));
        format!("{first} {other} {}", timeout.below(1_000_000))
    };
    arm.expect("a", &[&drawn("a", 1), "done", &drawn("a", 2), "done"]);
    arm.expect("b", &[&drawn("b", 1), "done"]);
}

/// An alarm rings when its time has come, not before, and both clocks go on.
pub fn alarms_ring_in_time(arm: &mut dyn Arm) {
    arm.start("a", |_| {
        let mut booted = None;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match (input, booted) {
            (Input::Booted, _) => {
                booted = Some((cx.now(), cx.wall()));
                hand.ring_in(30, cx);
            }
            (Input::Woke, Some((now, wall))) => {
                assert!(cx.now() >= now + machine::Duration::from_millis(30));
                assert!(cx.wall().as_micros() >= wall.as_micros() + 25_000);
                hand.write("rang");
            }
            (other, _) => panic!("unexpected: {other:?}"),
        }
    });
    arm.until("a", "rang");
}
