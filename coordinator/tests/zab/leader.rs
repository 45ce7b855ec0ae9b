//! A leader: it gathers a quorum, gives its epoch, synchronises, serves, and gives up when the quorum is gone.

use coordinator::id::{Epoch, ServerId, Zxid};
use coordinator::mechanism::Mechanisms;
use coordinator::server::sessions::first_session_id;
use coordinator::txn::Acl;
use coordinator::wire::client::{Request, opcode};
use coordinator::wire::peer::PeerPacket;
use insta::assert_snapshot;
use machine::{Closed, Conn};

use crate::stage::{SESSION, Stage, zxid};

/// Server 3, elected.
fn elected() -> Stage {
    let mut stage = Stage::ensemble(3, Mechanisms::default());
    stage.elect(3, Zxid::ZERO, 0);
    stage.text();
    stage
}

/// The same, with 2 and 1 behind it.
fn established() -> (Stage, Conn, Conn) {
    let mut stage = elected();
    let second = join(&mut stage, 2);
    let first = join(&mut stage, 1);
    stage.text();
    (stage, second, first)
}

/// A follower goes from FOLLOWERINFO to the ACK of NEWLEADER.
fn join(stage: &mut Stage, id: u64) -> Conn {
    let conn = stage.follower_comes(id, 0);
    stage.hear(conn, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: Zxid::ZERO });
    stage.hear(conn, PeerPacket::Ack { zxid: zxid(1, 0) });
    conn
}

fn create(path: &str) -> Request {
    Request::Create { path: path.into(), data: None, acl: Acl::open(), flags: 0 }
}

#[test]
fn from_the_election_to_the_first_client() {
    let mut stage = elected();
    stage.bench.remark("discovery: 2 makes a quorum, 1 comes later");
    let second = stage.follower_comes(2, 4);
    let first = stage.follower_comes(1, 0);
    stage.hear(first, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: Zxid::ZERO });
    stage.hear(second, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: Zxid::ZERO });
    stage.bench.remark("both are synchronised, one acknowledges");
    stage.hear(second, PeerPacket::Ack { zxid: zxid(5, 0) });
    stage.hear(first, PeerPacket::Ack { zxid: zxid(5, 0) });
    assert_snapshot!(stage.text());
}

#[test]
fn a_follower_that_is_ahead_is_sent_away() {
    let mut stage = elected();
    let second = stage.follower_comes(2, 0);
    stage.hear(second, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: zxid(0, 7) });
    let first = stage.follower_comes(1, 0);
    stage.hear(first, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: Zxid::ZERO });
    assert_snapshot!(stage.text());
}

#[test]
fn a_write_is_committed_by_a_quorum() {
    let (stage, second, first) = established();
    let mut stage = stage.holding_syncs();
    let client = stage.client_comes();
    stage.client_greets(client);
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 1) });
    stage.bench.remark("two followers are a quorum without the leader's own disk");
    stage.hear(first, PeerPacket::Ack { zxid: zxid(1, 1) });
    stage.ask(client, 1, create("/a"));
    stage.bench.remark("the leader's disk and one follower");
    stage.bench.sync();
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 2) });
    assert_snapshot!(stage.text());
}

#[test]
fn a_session_that_moved_ends_its_old_connection() {
    let (mut stage, second, first) = established();
    let client = stage.client_comes();
    stage.client_greets(client);
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 1) });
    stage.text();
    let session = first_session_id(ServerId(3), 1_600_000_000_000);
    stage.hear(first, PeerPacket::Revalidate { session, timeout_ms: 6_000 });
    stage.ask(client, 1, create("/from-the-past"));
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 2) });
    assert_snapshot!(stage.text());
}

#[test]
fn a_latecomer_gets_what_it_lacks_and_what_is_under_way() {
    let mut stage = elected();
    let second = join(&mut stage, 2);
    let client = stage.client_comes();
    stage.client_greets(client);
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 1) });
    let mut stage = stage.holding_syncs();
    stage.ask(client, 1, create("/under-way"));
    stage.text();
    let first = stage.follower_comes(1, 0);
    stage.hear(first, PeerPacket::AckEpoch { current: Some(Epoch(0)), last: Zxid::ZERO });
    stage.bench.remark("committed while 1 is being synchronised: it is told, too");
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 2) });
    stage.bench.sync();
    stage.hear(first, PeerPacket::Ack { zxid: zxid(1, 0) });
    stage.hear(first, PeerPacket::Ack { zxid: zxid(1, 2) });
    assert_snapshot!(stage.text());
}

#[test]
fn without_a_quorum_it_gives_up_within_a_tick() {
    let (mut stage, second, first) = established();
    stage.wait(1_000);
    stage.hear(second, PeerPacket::Ping { zxid: zxid(1, 0), touched: Some(Vec::new()) });
    stage.hear(first, PeerPacket::Ping { zxid: zxid(1, 0), touched: Some(Vec::new()) });
    stage.wait(1_000);
    stage.bench.closed(first, Closed::Reset);
    stage.bench.remark("one is enough");
    stage.wait(2_000);
    stage.bench.closed(second, Closed::Reset);
    stage.wait(2_000);
    assert_snapshot!(stage.text());
}

#[test]
fn a_sync_of_a_lost_follower_is_not_answered_to_its_next_life() {
    let (stage, second, first) = established();
    let mut stage = stage.holding_syncs();
    let client = stage.client_comes();
    stage.client_greets(client);
    let sync = |cxid| PeerPacket::Request {
        session: SESSION,
        cxid,
        kind: opcode::SYNC,
        body: bytes::Bytes::new(),
    };
    stage.hear(first, sync(1));
    stage.bench.closed(first, Closed::Reset);
    let again = join(&mut stage, 1);
    stage.text();
    stage.hear(second, PeerPacket::Ack { zxid: zxid(1, 1) });
    stage.bench.sync();
    let text = stage.text();
    assert!(text.contains("COMMIT 0x100000001"), "{text}");
    assert!(!text.contains("SYNC"), "{text}");
    stage.hear(again, sync(2));
    assert!(stage.text().contains("SYNC"));
}
