//! Killing one ZooKeeper of three under load: a follower, then the leader. Produce requests do not need ZooKeeper, so
//! that producers notice nothing; no session of a broker ends, and each goes on under its old id.

use broker::note::{ClientNote, Note};
use coordinator::id::{Epoch, ServerId};
use coordinator::note::ServerNote;

use crate::played::{Played, scenario};

/// The longest time without an acknowledgement, in ms, with a follower and with the leader killed. Neither was at the
/// kill.
const GAPS_MS: [u64; 2] = [128, 348];
/// From the kill of the leader to a new one that serves, in ms.
const ELECTED_MS: u64 = 756;
/// From the kill of the leader to the last broker's session on another server, in ms.
const REATTACHED_MS: u64 = 3_082;
/// From the restart of a server to where it serves as a follower, in ms, without the start of its process.
const SERVES_MS: u64 = 250;

fn killing(victim: &str, back: &str) -> String {
    let topics = r#"topics = [{ name = "t", partitions = 1, replication-factor = 3 }]"#;
    let rest = format!(
        r#"
[[clients]]
id      = "p1"
produce = {{ topic = "t", every = "5ms", acks = "all" }}

[timeline]
steps = [
  {{ id = "down", at = "10s..14s", do = "kill", nodes = "{victim}" }},
  {{ id = "back", at = "down + {back}", do = "restart", nodes = "{victim}" }},
]
"#
    );
    scenario(3, 42, topics, &rest)
}

/// Nobody lost a session, nobody was refused anything, and acknowledgements came as ever.
fn check_unharmed(played: &Played, gap_ms: u64) {
    let sessions: Vec<_> = played.truth().sessions.values().collect();
    // The measured brokers opened theirs once, too, and none ended.
    let living = sessions.iter().filter(|(_, closed)| closed.is_none()).count();
    assert_eq!(living, 3, "{}", played.story());
    let down = played.step("down");
    let ended = played.transactions().into_iter().any(|(at, _, what)| {
        at >= down && (what.contains("session") || what.contains("/brokers/ids"))
    });
    assert!(!ended, "a session began or ended\n{}", played.story());
    let harm = played.clients.iter().find(|(_, _, note)| {
        matches!(note, ClientNote::GaveUp { .. } | ClientNote::Retrying { .. })
    });
    assert_eq!(harm, None);
    let (from, to) = played.longest_gap(0);
    assert!(to - from <= gap_ms * 1_000, "no acknowledgement from {from} to {to}");
    let changed = |note: &Note| {
        matches!(note, Note::BrokersChanged { .. } | Note::ControllerElected { .. })
            || matches!(note, Note::StateWritten { .. } | Note::IsrAsked { .. })
    };
    let changes = played.brokers.iter().filter(|(at, _, note)| *at >= down && changed(note));
    assert_eq!(changes.count(), 0, "{}", played.story());
}

/// The killed server, started again, is brought up to date by DIFF and serves as a follower.
fn check_return(played: &Played, victim: &str, leader: &str) {
    let back = played.step("back");
    let looking = played.told(victim, back, |note| matches!(note, ServerNote::Looking { .. }));
    let looking = looking.expect("it looks for the leader first");
    let number = victim.trim_start_matches("zk-").parse().expect("servers are numbered");
    let diff = played.told(leader, back, |note| {
        matches!(note, ServerNote::Synchronises { follower, how: "DIFF", .. }
            if *follower == ServerId(number))
    });
    let follows = played.told(victim, back, |note| matches!(note, ServerNote::Follows { .. }));
    let follows = follows.expect("it follows");
    let order = [back, looking, diff.expect("by DIFF"), follows];
    assert!(order.is_sorted(), "{order:?}\n{}", played.story());
    assert!(follows - looking <= SERVES_MS * 1_200, "{}", played.story());
}

#[test]
fn a_follower_is_killed_under_load() {
    for seed in [1, 2, 3] {
        let played = Played::of(&killing("zk-1", "23s"), seed);
        check_unharmed(&played, GAPS_MS[0]);
        let down = played.step("down");
        for other in ["zk-2", "zk-3"] {
            let looked =
                played.told(other, down, |note| matches!(note, ServerNote::Looking { .. }));
            assert_eq!(looked, None, "{other} looks for a leader\n{}", played.story());
        }
        check_return(&played, "zk-1", "zk-3");
    }
}

#[test]
fn the_leader_is_killed_under_load() {
    for seed in [1, 2, 3] {
        let played = Played::of(&killing("zk-3", "17s"), seed);
        check_unharmed(&played, GAPS_MS[1]);
        let down = played.step("down");
        let told = |who: &str, is_it: &dyn Fn(&ServerNote) -> bool| {
            played.told(who, down, is_it).unwrap_or_else(|| panic!("never\n{}", played.story()))
        };
        let two = ServerId(2);
        for survivor in ["zk-1", "zk-2"] {
            let looks = told(survivor, &|note| matches!(note, ServerNote::Looking { round: 2 }));
            let elected = told(
                survivor,
                &|note| matches!(note, ServerNote::Elected { leader, round: 2 } if *leader == two),
            );
            // Nobody better spoke up for 200 ms.
            assert!(elected - looks >= 200_000, "{}", played.story());
        }
        let serves =
            told("zk-2", &|note| matches!(note, ServerNote::Established { epoch: Epoch(2), .. }));
        let follows = told("zk-1", &|note| matches!(note, ServerNote::Follows { .. }));
        assert!(serves.max(follows) - down <= ELECTED_MS * 1_200, "{}", played.story());
        for broker in ["kafka-1", "kafka-2", "kafka-3"] {
            let again = played.brokers.iter().filter(|(at, who, note)| {
                *at >= down && who == broker && matches!(note, Note::Session(_))
            });
            let last = again.map(|(at, _, _)| *at).next_back();
            let reattached = last.unwrap_or(down);
            assert!(reattached - down <= REATTACHED_MS * 1_200, "{broker}\n{}", played.story());
        }
        check_return(&played, "zk-3", "zk-2");
        let leads = played.truth().leaders.last_key_value().map(|(epoch, _)| *epoch);
        assert_eq!(leads, Some(Epoch(2)), "the old leader stays a follower");
    }
}
