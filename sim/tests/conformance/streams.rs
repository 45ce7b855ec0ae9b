//! Streams: order, backpressure, the ways they end, names and listeners.

use machine::{Closed, Conn, Context, Input, ListenError, Peer};

use crate::arms::Arm;
use crate::puppet::{Door, Hand, Said};

/// The byte that stands at `at` in every long stream.
fn pattern(at: usize) -> u8 {
    (at % 251) as u8
}

/// The bytes from `at` of the pattern.
fn piece(at: usize, length: usize) -> Vec<u8> {
    (at..at + length).map(pattern).collect()
}

/// Listens on port 1000 and says how much of the pattern came, and how it ended.
fn counts() -> impl FnMut(Input, Door<'_, '_>, &mut Hand) {
    let mut count = 0;
    let mut in_order = true;
    move |input, cx, hand| match input {
        Input::Booted => listen(cx, hand, "door", "0.0.0.0:1000"),
        Input::Received { bytes, .. } => {
            in_order &= bytes.iter().enumerate().all(|(at, byte)| *byte == pattern(count + at));
            count += bytes.len();
        }
        Input::Closed { why, .. } => hand.write(format!("{count} bytes, {in_order}, {why:?}")),
        _ => {}
    }
}

/// Listens on port 1000 and sends back what comes.
fn echoes() -> impl FnMut(Input, Door<'_, '_>, &mut Hand) {
    move |input, cx, hand| match input {
        Input::Booted => listen(cx, hand, "door", "0.0.0.0:1000"),
        Input::Received { conn, bytes } => cx.send(conn, bytes),
        Input::Closed { why, .. } => hand.write(format!("closed {why:?}")),
        _ => {}
    }
}

fn listen(cx: Door<'_, '_>, hand: &Hand, name: &'static str, address: &str) {
    match cx.listen(name, address) {
        Ok(()) => hand.write("listens"),
        Err(error) => hand.write(format!("{address}: {error:?}")),
    }
}

/// Small pieces of many lengths arrive whole and in order.
pub fn pieces_arrive_in_order(arm: &mut dyn Arm) {
    arm.start("b", |_| counts());
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, _hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => {
                let mut at = 0;
                for length in 1..=300 {
                    cx.send(conn, piece(at, length));
                    at += length;
                }
                cx.close(conn);
            }
            other => panic!("nothing follows on a closed stream: {other:?}"),
        }
    });
    arm.until("b", "45150 bytes, true, Ended");
}

/// A sender that holds back when the stream is full is told to go on, and everything arrives.
pub fn a_full_stream_drains(arm: &mut dyn Arm) {
    const TOTAL: usize = 8 * 1024 * 1024;
    const PIECE: usize = 100_000;
    arm.start("b", |_| counts());
    arm.until("b", "listens");
    arm.start("a", |_| {
        let mut sent = 0;
        let mut held_back = 0;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            let conn = match input {
                Input::Booted => {
                    cx.dial("b:1000");
                    return;
                }
                Input::Opened { conn, .. } => conn,
                Input::Drained { conn } => {
                    assert!(!cx.is_full(conn), "a drained stream has room");
                    held_back += 1;
                    conn
                }
                other => panic!("unexpected: {other:?}"),
            };
            while sent < TOTAL && !cx.is_full(conn) {
                let length = PIECE.min(TOTAL - sent);
                cx.send(conn, piece(sent, length));
                sent += length;
            }
            assert!(cx.queued(conn) <= Context::<Said>::FULL + PIECE, "no more than it was given");
            if sent == TOTAL {
                cx.close(conn);
                let often = if held_back > 0 { "held back" } else { "never held back" };
                hand.write(often);
            }
        }
    });
    arm.until("b", "8388608 bytes, true, Ended");
    arm.expect("a", &["held back"]);
}

/// What was sent before `close` arrives, however much it is.
pub fn close_flushes(arm: &mut dyn Arm) {
    arm.start("b", |_| counts());
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => {
                cx.send(conn, piece(0, 3_000_000));
                cx.close(conn);
                // The handle is dead at once.
                cx.send(conn, vec![1]);
                hand.write(format!("queued {}", cx.queued(conn)));
            }
            other => panic!("nothing follows on a closed stream: {other:?}"),
        }
    });
    arm.until("b", "3000000 bytes, true, Ended");
    arm.expect("a", &["queued 0"]);
}

/// `abort` resets the other end, and nothing follows at this one.
pub fn abort_resets(arm: &mut dyn Arm) {
    arm.start("b", |_| echoes());
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, _hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => cx.send(conn, "hello"),
            Input::Received { conn, .. } => {
                cx.abort(conn);
                cx.send(conn, "swallowed");
            }
            other => panic!("nothing follows on an aborted stream: {other:?}"),
        }
    });
    arm.until("b", "closed Reset");
    arm.expect("b", &["listens", "closed Reset"]);
}

/// The two ways a dial fails at once: nobody listens, nobody has that name.
pub fn dials_fail(arm: &mut dyn Arm) {
    arm.start("b", |_| echoes());
    arm.until("b", "listens");
    arm.start("a", |_| {
        let addresses = ["b:1001", "nobody.invalid:1000", "a:1000"];
        let mut next = 0;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            if let Input::Closed { why, .. } = input {
                hand.write(format!("{} {why:?}", addresses[next]));
                next += 1;
            }
            match addresses.get(next) {
                Some(address) => {
                    cx.dial(address);
                }
                None => hand.write("done"),
            }
        }
    });
    arm.until("a", "done");
    arm.expect(
        "a",
        &["b:1001 Refused", "nobody.invalid:1000 UnknownName", "a:1000 Refused", "done"],
    );
}

/// Dialling before anybody listens is refused; trying again later succeeds.
pub fn a_dial_may_come_too_early(arm: &mut dyn Arm) {
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => hand.ring_in(60, cx),
            Input::Woke => listen(cx, hand, "door", "0.0.0.0:1000"),
            _ => {}
        }
    });
    arm.start("a", |_| {
        let mut refused = 0;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted | Input::Woke => {
                cx.dial("b:1000");
            }
            Input::Closed { why, .. } => {
                assert_eq!(why, Closed::Refused);
                refused += 1;
                hand.ring_in(20, cx);
            }
            Input::Opened { .. } if refused > 0 => hand.write("open at last"),
            other => panic!("unexpected: {other:?}"),
        }
    });
    arm.until("a", "open at last");
}

/// Streams know the listener they came in by; a closed listener refuses, keeps its streams, and can
/// be opened again.
pub fn listeners_have_names(arm: &mut dyn Arm) {
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                listen(cx, hand, "front", "0.0.0.0:1000");
                listen(cx, hand, "back", "b:1001");
            }
            Input::Opened { peer: Peer::Accepted { listener, from }, .. } => {
                assert!(!from.is_empty() && !from.ends_with(":1000"), "a host address: {from}");
                hand.write(format!("in by {listener}"));
            }
            Input::Received { conn, bytes } => {
                match &bytes[..] {
                    b"close front" => cx.unlisten("front"),
                    b"open front" => listen(cx, hand, "front", "0.0.0.0:1000"),
                    other => panic!("unexpected: {other:?}"),
                }
                cx.send(conn, "yes");
            }
            Input::Closed { why: Closed::Reset, .. } => {}
            other => panic!("unexpected: {other:?}"),
        }
    });
    arm.until_times("b", "listens", 2);
    arm.start("a", |_| {
        let mut step = 0;
        let mut back: Option<Conn> = None;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            step += 1;
            match (step, input) {
                (1, Input::Booted) => {
                    cx.dial("b:1000");
                }
                (2, Input::Opened { .. }) => back = Some(cx.dial("b:1001")),
                (3, Input::Opened { conn, .. }) => cx.send(conn, "close front"),
                (4, Input::Received { .. }) => {
                    cx.dial("b:1000");
                }
                (5, Input::Closed { why, .. }) => {
                    hand.write(format!("{why:?}"));
                    cx.send(back.expect("it opened in step 3"), "open front");
                }
                (6, Input::Received { .. }) => {
                    cx.dial("b:1000");
                }
                (7, Input::Opened { .. }) => hand.write("done"),
                (step, other) => panic!("unexpected in step {step}: {other:?}"),
            }
        }
    });
    arm.until("a", "done");
    arm.expect("a", &["Refused", "done"]);
    // Which of two streams is accepted first is nobody's promise.
    arm.until_times("b", "in by front", 2);
    arm.until_times("b", "in by back", 1);
    assert_eq!(arm.diary().count("b", "listens"), 3);
}

/// A port has one listener; addresses of others and nonsense are refused.
pub fn listening_fails(arm: &mut dyn Arm) {
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| {
            if input == Input::Booted {
                assert_eq!(cx.listen("one", "0.0.0.0:1000"), Ok(()));
                assert_eq!(cx.listen("two", "b:1000"), Err(ListenError::AddressInUse));
                assert_eq!(cx.listen("three", "c:1000"), Err(ListenError::NotOurAddress));
                assert_eq!(cx.listen("four", "no port"), Err(ListenError::NotOurAddress));
                assert_eq!(cx.listen("five", "0.0.0.0:1001"), Ok(()));
                hand.write("done");
            }
        }
    });
    arm.until("b", "done");
}

/// When both ends close at once, neither hears of the other.
pub fn both_ends_close(arm: &mut dyn Arm) {
    fn closes(cx: Door<'_, '_>, hand: &mut Hand, conn: Conn) {
        cx.send(conn, "goodbye");
        cx.close(conn);
        hand.ring_in(50, cx);
    }
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => listen(cx, hand, "door", "0.0.0.0:1000"),
            Input::Opened { conn, .. } => closes(cx, hand, conn),
            Input::Woke => hand.write("quiet"),
            other => panic!("nothing follows on a closed stream: {other:?}"),
        }
    });
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => closes(cx, hand, conn),
            Input::Woke => hand.write("quiet"),
            other => panic!("nothing follows on a closed stream: {other:?}"),
        }
    });
    arm.until("a", "quiet");
    arm.until("b", "quiet");
}

/// Process death resets streams, and then nobody listens; the next life can listen on the same port
/// again.
pub fn death_resets(arm: &mut dyn Arm) {
    arm.start("b", |_| echoes());
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted | Input::Woke => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => cx.send(conn, "hello"),
            Input::Received { .. } => hand.write("alive"),
            Input::Closed { why, .. } => {
                hand.write(format!("{why:?}"));
                hand.ring_in(20, cx);
            }
            _ => {}
        }
    });
    arm.until("a", "alive");
    arm.kill("b");
    arm.until_times("a", "Refused", 2);
    arm.restart("b");
    arm.until_times("a", "alive", 2);
    assert_eq!(arm.diary().count("a", "Reset"), 1);
}

/// `localhost` is the node itself, wherever it stands.
pub fn localhost_is_oneself(arm: &mut dyn Arm) {
    arm.start("a", |_| echoes());
    arm.until("a", "listens");
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                listen(cx, hand, "door", "0.0.0.0:1000");
                cx.dial("localhost:1000");
            }
            Input::Opened { conn, peer: Peer::Dialled } => cx.send(conn, "me"),
            Input::Received { bytes, .. } => {
                hand.write(String::from_utf8_lossy(&bytes));
            }
            _ => {}
        }
    });
    arm.until("b", "me");
}

/// When the peer has ended the stream the handle is dead, and swallows.
pub fn an_ended_stream_swallows(arm: &mut dyn Arm) {
    arm.start("b", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => listen(cx, hand, "door", "0.0.0.0:1000"),
            Input::Received { conn, .. } => {
                cx.send(conn, "last");
                cx.close(conn);
            }
            _ => {}
        }
    });
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => cx.send(conn, "hello"),
            Input::Received { bytes, .. } => hand.write(String::from_utf8_lossy(&bytes)),
            Input::Closed { conn, why } => {
                hand.write(format!("{why:?}"));
                cx.send(conn, "swallowed");
                cx.close(conn);
                cx.abort(conn);
                hand.write(format!("queued {}", cx.queued(conn)));
            }
            other => panic!("unexpected: {other:?}"),
        }
    });
    arm.until("a", "queued 0");
    arm.expect("a", &["last", "Ended", "queued 0"]);
}

/// After `exit` nothing else happens in this life; what was sent arrives, then the streams end.
pub fn exit_is_the_end(arm: &mut dyn Arm) {
    arm.start("b", |life| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => listen(cx, hand, "door", "0.0.0.0:1000"),
            Input::Received { conn, .. } => {
                hand.write(format!("life {life} exits"));
                hand.ring_in(0, cx);
                cx.send(conn, "last words");
                cx.exit(3, "asked to");
            }
            Input::Woke => panic!("no life after the exit"),
            _ => {}
        }
    });
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted | Input::Woke => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => cx.send(conn, "hello"),
            Input::Received { bytes, .. } => hand.write(String::from_utf8_lossy(&bytes)),
            Input::Closed { why, .. } => {
                hand.write(format!("{why:?}"));
                hand.ring_in(20, cx);
            }
            _ => {}
        }
    });
    arm.until("a", "Refused");
    assert!(arm.diary().of("a").starts_with("last words\nEnded\nRefused"), "{}", arm.diary().all());
    arm.restart("b");
    arm.until("b", "life 2 exits");
}

/// A machine that asks to be woken at once, over and over (work in slices), still hears its peers.
pub fn slices_leave_room_for_streams(arm: &mut dyn Arm) {
    arm.start("b", |_| {
        let mut heard = false;
        move |input, cx: Door<'_, '_>, hand: &mut Hand| match input {
            Input::Booted => {
                listen(cx, hand, "door", "0.0.0.0:1000");
                hand.ring_in(0, cx);
            }
            Input::Woke if heard => hand.write("works on"),
            Input::Woke => hand.ring_in(0, cx),
            Input::Received { .. } => heard = true,
            _ => {}
        }
    });
    arm.until("b", "listens");
    arm.start("a", |_| {
        move |input, cx: Door<'_, '_>, _hand: &mut Hand| match input {
            Input::Booted => {
                cx.dial("b:1000");
            }
            Input::Opened { conn, .. } => cx.send(conn, "hello"),
            _ => {}
        }
    });
    arm.until("b", "works on");
}
