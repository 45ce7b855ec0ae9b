//! What links do to streams: cuts, silence, retransmission, loss, bandwidth, backpressure.

use bytes::Bytes;
use machine::{Closed, Conn, Context, Duration, Peer};
use sim::world::Fault;

use crate::toys::{Said, Stage, Toy, dial_b, ms, secs, send, within};

fn dialler() -> Toy {
    Toy::new().at(1, dial_b)
}

fn echo() -> Toy {
    Toy::echoing("0.0.0.0:1")
}

fn listener() -> Toy {
    Toy::listening("0.0.0.0:1")
}

/// Connected by 10 ms, sends at 1 s and at 2 s.
fn talker() -> Toy {
    dialler().at(1_000, |toy, cx| send(toy, cx, "one")).at(2_000, |toy, cx| send(toy, cx, "two"))
}

#[test]
fn both_sides_open_after_one_round_trip_and_the_acceptor_first() {
    let mut stage = Stage::new(1, [dialler, echo]);
    let mut order = Vec::new();
    stage.run_seeing(ms(10), |step| order.push((step.node, step.input.clone(), step.cause)));
    let opened = |place: usize| stage.toy(place).opened[0].clone();
    assert!(within(opened(0).0, 1, 3) && opened(0).0 > ms(1));
    assert_eq!(opened(0).0, opened(1).0);
    assert_eq!(opened(1).2, Peer::Accepted { listener: "0.0.0.0:1", from: "a".into() });
    let last: Vec<_> = order[order.len() - 2..].iter().map(|(node, ..)| node.0).collect();
    assert_eq!(last, [1, 0]);
    assert_eq!(order[order.len() - 1].2, Some(3), "caused by the step that dialled");
}

#[test]
fn nobody_listening_refuses_after_one_round_trip() {
    let mut stage = Stage::new(1, [dialler, Toy::new]);
    stage.run(ms(10));
    let (at, _, why) = stage.toy(0).closed[0];
    assert_eq!(why, Closed::Refused);
    assert!(within(at, 1, 3) && at > ms(1));
}

#[test]
fn a_dead_host_is_silent_until_the_dialler_gives_up() {
    let mut stage = Stage::new(1, [dialler, echo]);
    stage.power_loss(1).run(secs(200));
    assert_eq!(stage.toy(0).closed, [(ms(127_001), Conn(1), Closed::TimedOut)]);
}

#[test]
fn after_healing_the_next_syn_connects() {
    let mut stage = Stage::new(1, [dialler, echo]);
    stage.cut(1, 0).run(secs(4)).heal(1, 0).run(secs(20));
    let (at, ..) = stage.toy(0).opened[0];
    assert!(within(at, 7_001, 7_004), "the SYN is repeated 1, 3 and 7 s after the first: {at}");
}

#[test]
fn over_a_cut_a_stream_is_silent_and_resumes_at_the_next_retransmission() {
    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(500)).cut_both(0, 1).run(ms(2_200));
    assert_eq!(stage.toy(1).text(), "");
    stage.heal_both(0, 1).run(secs(10));
    // "one" was sent at 1 s: repeated after 0.2, 0.6 and 1.4 s. "two" waits behind it.
    let at: Vec<_> = stage.toy(1).arrivals.iter().map(|(at, _)| *at).collect();
    assert_eq!(stage.toy(1).text(), "onetwo");
    assert!(at.iter().all(|at| within(*at, 2_400, 2_402)), "{at:?}");
    assert!(stage.toy(0).closed.is_empty() && stage.toy(1).closed.is_empty());
}

#[test]
fn without_acknowledgements_only_the_first_flight_arrives() {
    fn chatty() -> Toy {
        dialler()
            .at(1_000, |toy, cx| send(toy, cx, "1"))
            .at(1_100, |toy, cx| send(toy, cx, "2"))
            .at(1_300, |toy, cx| send(toy, cx, "3"))
            .at(1_301, |toy, cx| send(toy, cx, "4"))
    }
    let mut stage = Stage::new(1, [chatty, listener]);
    stage.run(ms(500)).cut(1, 0).run(ms(1_350));
    assert_eq!(stage.toy(1).text(), "12", "sent before the first time-out");
    stage.run(ms(1_700));
    assert_eq!(stage.toy(1).text(), "12", "a repetition of what is there brings nothing new");
    stage.heal(1, 0).run(secs(3));
    assert_eq!(stage.toy(1).text(), "1234");
    let at: Vec<_> = stage.toy(1).arrivals[2..].iter().map(|(at, _)| *at).collect();
    assert!(at.iter().all(|at| within(*at, 2_400, 2_402)), "1.4 s after the first: {at:?}");
}

#[test]
fn healed_only_forwards_a_stream_brings_the_lost_front_and_no_more() {
    let mut stage = Stage::new(1, [talker, listener]);
    stage.run(ms(500)).cut_both(0, 1).run(ms(2_200)).heal(0, 1).run(secs(20));
    assert_eq!(stage.toy(1).text(), "one", "nobody can acknowledge it");
    let (at, _) = stage.toy(1).arrivals[0];
    assert!(within(at, 2_400, 2_402), "{at}");
    stage.heal(1, 0).run(secs(60));
    assert_eq!(stage.toy(1).text(), "onetwo");
}

#[test]
fn a_one_way_cut_stops_both_directions_in_its_own_way() {
    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(500)).cut(0, 1).run(secs(3));
    assert!(!stage.world.reachable(stage.hosts[0], stage.hosts[1]));
    assert!(stage.world.reachable(stage.hosts[1], stage.hosts[0]));
    assert_eq!(stage.toy(1).text(), "", "nothing of a arrives at b");
}

#[test]
fn tcp_gives_up_after_fifteen_repetitions() {
    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(500)).cut_both(0, 1).run(secs(2_000));
    assert_eq!(stage.toy(0).closed, [(ms(925_600), Conn(1), Closed::TimedOut)]);
    assert!(stage.toy(1).closed.is_empty(), "who has nothing to say learns nothing");
}

#[test]
fn a_killed_process_resets_its_streams() {
    let mut stage = Stage::new(1, [dialler, echo]);
    stage.run(ms(500)).kill(1).run(ms(510));
    let (at, _, why) = stage.toy(0).closed[0];
    assert_eq!(why, Closed::Reset);
    assert!(within(at, 500, 501) && at > ms(500), "{at}");
}

#[test]
fn a_reset_over_a_cut_is_lost_and_found_out_by_the_next_bytes() {
    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(500)).cut(1, 0).kill(1).run(ms(600)).heal(1, 0).run(ms(999));
    assert!(stage.toy(0).closed.is_empty());
    stage.run(ms(1_010));
    assert_eq!(stage.toy(0).closed[0].2, Closed::Reset);
}

#[test]
fn power_loss_is_silence_and_the_next_bytes_after_power_on_are_reset() {
    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(500)).power_loss(1).run(ms(1_500));
    assert!(stage.toy(0).closed.is_empty());
    stage.restart(1).run(secs(3));
    let (at, _, why) = stage.toy(0).closed[0];
    assert_eq!(why, Closed::Reset);
    assert!(within(at, 1_600, 1_602), "sent at 1 s, repeated after 0.2 and 0.6 s: {at}");
    assert_eq!(stage.toy(1).text(), "", "nothing addressed to an old life arrives");
}

#[test]
fn a_polite_exit_delivers_what_was_sent_and_then_ends() {
    fn leaver() -> Toy {
        dialler().at(100, |toy, cx| {
            send(toy, cx, "bye");
            cx.exit(3, "done");
        })
    }
    let mut stage = Stage::new(1, [leaver, listener]);
    stage.run(ms(200));
    assert_eq!(stage.toy(1).text(), "bye");
    assert_eq!(stage.toy(1).closed[0].2, Closed::Ended);
    assert!(!stage.world.is_up(stage.nodes[0]));
    assert_eq!(stage.world.exit_of(stage.nodes[0]), Some((3, "done")));
}

#[test]
fn a_fin_is_repeated_over_a_cut() {
    fn closer() -> Toy {
        dialler().at(1_000, |toy, cx| cx.close(toy.conn.expect("dialled")))
    }
    let mut stage = Stage::new(1, [closer, listener]);
    stage.run(ms(500)).cut(0, 1).run(ms(1_100)).heal(0, 1).run(secs(2));
    let (at, _, why) = stage.toy(1).closed[0];
    assert_eq!(why, Closed::Ended);
    assert!(within(at, 1_200, 1_201), "{at}");
}

#[test]
fn closing_a_stream_with_unread_bytes_resets_it() {
    fn sloppy() -> Toy {
        // Both bytes wait for it at 20 ms; it closes on the first.
        listener().at(15, |toy, cx| cx.close(toy.opened[0].1))
    }
    fn sender() -> Toy {
        dialler().at(10, |toy, cx| send(toy, cx, "x"))
    }
    let mut stage = Stage::new(1, [sender, sloppy]);
    let node = stage.nodes[1];
    stage.run(ms(9)).apply(Fault::Pause { node }).run(ms(20));
    // The alarm came after the bytes; put it before them by a service time that makes both wait.
    stage.apply(Fault::Resume { node }).run(ms(30));
    assert_eq!(stage.toy(1).text(), "x", "inputs are handled in the order in which they came");
    assert_eq!(stage.toy(0).closed[0].2, Closed::Ended);

    fn hasty() -> Toy {
        let mut toy = listener();
        toy.acts.push((ms(9), |toy: &mut Toy, cx: &mut Context<'_, Said>| {
            cx.close(toy.opened[0].1);
        }));
        toy
    }
    let mut stage = Stage::new(1, [sender, hasty]);
    let node = stage.nodes[1];
    let slow = Duration::from_millis(5);
    stage.run(ms(8)).apply(Fault::ServiceTime { node, per_input: slow, per_byte_nanos: 0 });
    stage.run(ms(30));
    assert_eq!(stage.toy(1).text(), "");
    assert_eq!(stage.toy(0).closed[0].2, Closed::Reset);
}

#[test]
fn bytes_to_a_closed_stream_are_answered_by_a_reset_that_comes_after_the_fin() {
    fn closer() -> Toy {
        listener().at(10, |toy, cx| cx.close(toy.opened[0].1))
    }
    fn sender() -> Toy {
        dialler().at(10, |toy, cx| send(toy, cx, "late"))
    }
    let mut stage = Stage::new(1, [sender, closer]);
    stage.run(ms(30));
    assert_eq!(stage.toy(1).text(), "");
    assert_eq!(stage.toy(0).closed.len(), 1);
    assert_eq!(stage.toy(0).closed[0].2, Closed::Ended);
}

#[test]
fn a_full_stream_is_drained_when_the_peer_takes_it() {
    fn flooder() -> Toy {
        dialler().at(10, |toy, cx| {
            let conn = toy.conn.expect("dialled");
            for _ in 0..3 {
                cx.send(conn, Bytes::from_static(&[7; 100 * 1024]));
                toy.queued.push(cx.queued(conn));
            }
            assert!(cx.is_full(conn));
        })
    }
    let mut stage = Stage::new(1, [flooder, listener]);
    let node = stage.nodes[1];
    stage.run(ms(9)).apply(Fault::Pause { node }).run(secs(1));
    assert_eq!(stage.toy(0).queued, [100 * 1024, 200 * 1024, 300 * 1024]);
    assert!(stage.toy(0).drained.is_empty(), "a paused peer pushes back");
    stage.apply(Fault::Resume { node }).run(secs(2));
    assert_eq!(stage.toy(1).text().len(), 300 * 1024);
    let drained = &stage.toy(0).drained;
    assert_eq!(drained.len(), 1);
    assert!(within(drained[0], 1_000, 1_001));
}

#[test]
fn a_lost_piece_comes_a_retransmission_later_and_holds_up_those_behind_it() {
    let mut stage = Stage::new(1, [talker, listener]);
    let (from, to) = (stage.hosts[0], stage.hosts[1]);
    stage.run(ms(500)).apply(Fault::Loss { from, to, per_million: 900_000 }).run(ms(1_050));
    stage.apply(Fault::Loss { from, to, per_million: 0 }).run(secs(3_000));
    let toy = stage.toy(1);
    assert_eq!(toy.text(), "onetwo");
    assert!(toy.arrivals[0].0 >= ms(1_200), "{:?}", toy.arrivals);
    assert!(toy.arrivals[1].0 >= toy.arrivals[0].0);
}

#[test]
fn bandwidth_makes_bytes_wait_for_each_other() {
    fn bulk() -> Toy {
        dialler().at(1_000, |toy, cx| {
            for _ in 0..2 {
                cx.send(toy.conn.expect("dialled"), Bytes::from_static(&[7; 100_000]));
            }
        })
    }
    let mut stage = Stage::new(1, [bulk, listener]);
    let (from, to) = (stage.hosts[0], stage.hosts[1]);
    stage.apply(Fault::Bandwidth { from, to, bytes_per_second: 100_000 }).run(secs(5));
    let (mut total, mut halves) = (0, Vec::new());
    for (at, bytes) in &stage.toy(1).arrivals {
        total += bytes.len();
        if total % 100_000 == 0 {
            halves.push(*at);
        }
    }
    assert!(within(halves[0], 2_000, 2_001) && within(halves[1], 3_000, 3_001), "{halves:?}");
}

#[test]
fn a_stream_keeps_no_boundaries() {
    fn bulk() -> Toy {
        dialler().at(1_000, |toy, cx| {
            for _ in 0..1_000 {
                cx.send(toy.conn.expect("dialled"), Bytes::from_static(&[b'x'; 100]));
            }
            cx.send(toy.conn.expect("dialled"), Bytes::from_static(&[b'y'; 100_000]));
        })
    }
    let mut stage = Stage::new(1, [bulk, listener]);
    stage.run(secs(2));
    let pieces: Vec<usize> = stage.toy(1).arrivals.iter().map(|(_, piece)| piece.len()).collect();
    assert_eq!(pieces.iter().sum::<usize>(), 200_000);
    let split = pieces.iter().filter(|len| **len < 100).count();
    assert!((20..100).contains(&split), "some pieces are split: {split}");
    assert!(pieces.iter().all(|len| *len <= 64 * 1024));
}

#[test]
fn latency_is_what_the_fault_says() {
    let mut stage = Stage::new(1, [talker, listener]);
    let (from, to) = (stage.hosts[0], stage.hosts[1]);
    let (low, high) = (Duration::from_millis(300), Duration::from_millis(310));
    stage.run(ms(500)).apply(Fault::Latency { from, to, low, high }).run(secs(3));
    assert!(within(stage.toy(1).arrivals[0].0, 1_300, 1_310));
    assert!(stage.toy(0).closed.is_empty());
}

#[test]
fn tampering_flips_one_bit_of_one_piece() {
    let mut stage = Stage::new(1, [talker, Toy::new]);
    let mut other = Stage::new(1, [talker, listener]);
    stage.run(ms(1));
    let (from, to) = (other.hosts[0], other.hosts[1]);
    other.run(ms(500)).apply(Fault::Tamper { from, to }).run(secs(3));
    let pieces: Vec<&Bytes> = other.toy(1).arrivals.iter().map(|(_, bytes)| bytes).collect();
    let flipped: u32 = pieces[0].iter().zip(b"one").map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(flipped, 1);
    assert_eq!(&pieces[1][..], b"two");
}

#[test]
fn a_paused_process_accepts_and_acknowledges_but_handles_nothing() {
    let mut stage = Stage::new(1, [talker, echo]);
    let node = stage.nodes[1];
    stage.apply(Fault::Pause { node }).run(ms(1_500));
    // It was paused before it listened.
    assert_eq!(stage.toy(0).closed[0].2, Closed::Refused);

    let mut stage = Stage::new(1, [talker, echo]);
    stage.run(ms(0)).apply(Fault::Pause { node }).run(ms(2_500));
    assert_eq!(stage.toy(0).opened.len(), 1);
    assert!(stage.toy(1).opened.is_empty() && !stage.world.is_up(node));
    stage.apply(Fault::Resume { node }).run(ms(2_510));
    assert_eq!(stage.toy(0).text(), "onetwo", "nothing was lost, nothing waited for a repetition");
}
