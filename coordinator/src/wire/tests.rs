//! What goes over the wire and into the log, against bytes worked out by hand from the format, and
//! against any bytes at all.

use std::sync::Arc;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::jute::Malformed;
use super::peer::{LearnerInfo, PROTOCOL, PeerPacket, PeerStream};
use super::vote::{Greeting, Notification, PeerState, VoteStream};
use crate::id::{Epoch, ServerId, SessionId, Zxid};
use crate::tree::{DataTree, snapshot};
use crate::txn::{Acl, Record, Txn, TxnHeader};

fn header(zxid: u64) -> TxnHeader {
    TxnHeader { session: SessionId(1), cxid: 2, zxid: Zxid(zxid), time_ms: 4 }
}

fn create() -> Record {
    let txn = Txn::Create {
        path: "/a".into(),
        data: Some(Bytes::from_static(&[0xff])),
        acl: Acl::open(),
        ephemeral: false,
        parent_cversion: 1,
    };
    Record::new(header(0x1_0000_0003), txn)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Strings of digits without their spaces.
fn digits(text: &str) -> String {
    text.split_whitespace().collect()
}

const CREATE: &str = "0000000000000001 00000002 0000000100000003 0000000000000004 00000001
    00000002 2f61  00000001 ff  00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65
    00 00000001";

#[test]
fn a_create_in_the_log() {
    assert_eq!(hex(&create().bytes), digits(CREATE));
}

#[test]
fn a_multi_and_a_closed_session_in_the_log() {
    let parts =
        vec![Txn::Delete { path: "/b".into() }, Txn::Check { path: "/c".into(), version: 7 }];
    let multi = Record::new(header(5), Txn::Multi(parts));
    let expected = "0000000000000001 00000002 0000000000000005 0000000000000004 0000000e 00000002
        00000002 00000006 00000002 2f62   0000000d 0000000a 00000002 2f63 00000007";
    assert_eq!(hex(&multi.bytes), digits(expected));

    let close = Record::new(header(6), Txn::CloseSession);
    let expected = "0000000000000001 00000002 0000000000000006 0000000000000004 fffffff5";
    assert_eq!(hex(&close.bytes), digits(expected));
    // 3.6 lists paths behind it.
    let longer = [&close.bytes[..], &[0, 0, 0, 0]].concat();
    assert_eq!(Record::decode(longer.into()).expect("it parses").txn, Txn::CloseSession);
}

#[test]
fn packets_between_servers() {
    let proposal = PeerPacket::Proposal(Arc::new(create())).encode();
    let expected = format!("00000002 0000000100000003 0000004b {CREATE} ffffffff");
    assert_eq!(hex(&proposal), digits(&expected));

    let info = LearnerInfo { server: ServerId(2), accepted: Epoch(5), protocol: PROTOCOL };
    let expected = "0000000b 0000000500000000 0000000c 0000000000000002 00010000 ffffffff";
    assert_eq!(hex(&PeerPacket::FollowerInfo(info).encode()), digits(expected));

    let refusal = PeerPacket::AckEpoch { current: None, last: Zxid(9) };
    let expected = "00000012 0000000000000009 00000004 ffffffff ffffffff";
    assert_eq!(hex(&refusal.encode()), digits(expected));

    let up_to_date = "0000000c ffffffffffffffff ffffffff ffffffff";
    assert_eq!(hex(&PeerPacket::UpToDate.encode()), digits(up_to_date));
}

#[test]
fn a_vote_and_a_greeting() {
    let vote = Notification {
        state: PeerState::Looking,
        leader: ServerId(3),
        zxid: Zxid(0x1_0000_0001),
        round: 2,
        peer_epoch: Some(Epoch(1)),
    };
    let expected = "00000028 00000000 0000000000000003 0000000100000001 0000000000000002
        0000000000000001 00000001";
    assert_eq!(hex(&vote.encode()), digits(expected));

    let greeting = Greeting { server: ServerId(1), address: Some("h:1".into()) };
    let expected = "ffffffffffff0000 0000000000000001 00000003 683a31";
    assert_eq!(hex(&greeting.encode()), digits(expected));
    let greeting = Greeting { server: ServerId(1), address: None };
    assert_eq!(hex(&greeting.encode()), "0000000000000001");
}

#[test]
fn an_empty_tree_after_snap() {
    let znode = "00000000 ffffffffffffffff".to_owned() + &"00".repeat(60);
    let expected = format!(
        "00000000 00000000 00000000 {znode} 0000000a 2f7a6f6f6b6565706572 {znode}
        00000010 2f7a6f6f6b65657065722f71756f7461 {znode} 00000001 2f
        0000000a 42656e5761734865726500000000"
    );
    let sent = PeerPacket::Snapshot(snapshot::encode(&DataTree::new())).encode();
    assert_eq!(hex(&sent) + "00000000", digits(&expected));
}

#[test]
fn a_snapshot_without_its_signature_is_refused() {
    let mut stream = PeerStream::new();
    stream.push(&PeerPacket::Snap { zxid: Zxid(1) }.encode());
    stream.push(&snapshot::encode(&DataTree::new()));
    assert_eq!(stream.take(), Ok(Some(PeerPacket::Snap { zxid: Zxid(1) })));
    assert_eq!(stream.take(), Ok(None));
    stream.push(&Bytes::from_static(b"\0\0\0\x02no"));
    assert_eq!(stream.take(), Err(Malformed("signature of a snapshot")));
}

fn path() -> impl Strategy<Value = Arc<str>> {
    "(/[a-zä]{1,4}){1,3}".prop_map(Arc::from)
}

fn data() -> impl Strategy<Value = Option<Bytes>> {
    proptest::option::of(vec(any::<u8>(), 0..40).prop_map(Bytes::from))
}

fn acl() -> impl Strategy<Value = Arc<[Acl]>> {
    let entry = (any::<i32>(), "[a-z]{0,6}", "[a-z:]{0,8}").prop_map(|(perms, scheme, id)| Acl {
        perms,
        scheme: scheme.into(),
        id: id.into(),
    });
    vec(entry, 0..3).prop_map(Arc::from)
}

fn part() -> impl Strategy<Value = Txn> {
    prop_oneof![
        (path(), data(), acl(), any::<bool>(), any::<i32>()).prop_map(
            |(path, data, acl, ephemeral, parent_cversion)| Txn::Create {
                path,
                data,
                acl,
                ephemeral,
                parent_cversion
            }
        ),
        path().prop_map(|path| Txn::Delete { path }),
        (path(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::SetData {
            path,
            data,
            version
        }),
        (path(), acl(), any::<i32>()).prop_map(|(path, acl, version)| Txn::SetAcl {
            path,
            acl,
            version
        }),
        (path(), any::<i32>()).prop_map(|(path, version)| Txn::Check { path, version }),
        any::<i32>().prop_map(|code| Txn::Error { code }),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let txn = prop_oneof![
        part(),
        vec(part(), 0..4).prop_map(Txn::Multi),
        any::<i32>().prop_map(|timeout_ms| Txn::CreateSession { timeout_ms }),
        Just(Txn::CloseSession),
    ];
    let header = (any::<i64>(), any::<i32>(), any::<u64>(), any::<i64>());
    (header, txn).prop_map(|((session, cxid, zxid, time_ms), txn)| {
        let zxid = Zxid(zxid);
        Record::new(TxnHeader { session: SessionId(session), cxid, zxid, time_ms }, txn)
    })
}

fn packet() -> impl Strategy<Value = PeerPacket> {
    let zxid = any::<u64>().prop_map(Zxid);
    let session = any::<i64>().prop_map(SessionId);
    let touched = vec((session.clone(), any::<i32>()), 0..4);
    let info = (any::<u64>(), any::<u32>(), any::<i32>()).prop_map(|(id, accepted, protocol)| {
        LearnerInfo { server: ServerId(id), accepted: Epoch(accepted), protocol }
    });
    let epoch = (0..i32::MAX as u32).prop_map(Epoch);
    prop_oneof![
        (session.clone(), any::<i32>(), any::<i32>(), vec(any::<u8>(), 0..40)).prop_map(
            |(session, cxid, kind, body)| PeerPacket::Request {
                session,
                cxid,
                kind,
                body: body.into()
            }
        ),
        record().prop_map(|record| PeerPacket::Proposal(Arc::new(record))),
        record().prop_map(|record| PeerPacket::Inform(Arc::new(record))),
        zxid.clone().prop_map(|zxid| PeerPacket::Ack { zxid }),
        zxid.clone().prop_map(|zxid| PeerPacket::Commit { zxid }),
        (zxid.clone(), proptest::option::of(touched))
            .prop_map(|(zxid, touched)| PeerPacket::Ping { zxid, touched }),
        (session.clone(), any::<i32>())
            .prop_map(|(session, timeout_ms)| PeerPacket::Revalidate { session, timeout_ms }),
        (session, any::<bool>())
            .prop_map(|(session, valid)| PeerPacket::Revalidated { session, valid }),
        Just(PeerPacket::Sync),
        Just(PeerPacket::UpToDate),
        zxid.clone().prop_map(|zxid| PeerPacket::NewLeader { zxid }),
        zxid.clone().prop_map(|zxid| PeerPacket::Diff { zxid }),
        zxid.clone().prop_map(|zxid| PeerPacket::Trunc { zxid }),
        info.clone().prop_map(PeerPacket::FollowerInfo),
        info.prop_map(PeerPacket::ObserverInfo),
        (any::<u32>(), any::<i32>())
            .prop_map(|(epoch, protocol)| PeerPacket::LeaderInfo { epoch: Epoch(epoch), protocol }),
        (proptest::option::of(epoch), zxid)
            .prop_map(|(current, last)| PeerPacket::AckEpoch { current, last }),
    ]
}

fn notification() -> impl Strategy<Value = Notification> {
    let state = prop_oneof![
        Just(PeerState::Looking),
        Just(PeerState::Following),
        Just(PeerState::Leading),
        Just(PeerState::Observing),
    ];
    let numbers = (any::<u64>(), any::<u64>(), any::<u64>());
    (state, numbers, proptest::option::of(any::<u32>())).prop_map(
        |(state, (leader, zxid, round), epoch)| Notification {
            state,
            leader: ServerId(leader),
            zxid: Zxid(zxid),
            round,
            peer_epoch: epoch.map(Epoch),
        },
    )
}

/// Cuts a stream into pieces of the given lengths, over and over.
fn pieces(stream: &[u8], lengths: &[usize]) -> Vec<Bytes> {
    let mut rest = stream;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*length).min(rest.len()));
        pieces.push(Bytes::copy_from_slice(piece));
        rest = behind;
    }
    pieces
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(record in record()) {
        prop_assert_eq!(Record::decode(record.bytes.clone()), Ok(record));
    }

    #[test]
    fn packets_survive_any_pieces(
        packets in vec(packet(), 1..6),
        lengths in vec(1_usize..60, 1..8),
        snap in any::<bool>(),
    ) {
        let mut packets = packets;
        if snap {
            let tree = snapshot::encode(&DataTree::new());
            packets.insert(1, PeerPacket::Snap { zxid: Zxid(7) });
            packets.insert(2, PeerPacket::Snapshot(tree));
        }
        let sent: Vec<u8> = packets.iter().flat_map(|packet| packet.encode()).collect();
        let mut stream = PeerStream::new();
        let mut received = Vec::new();
        for piece in pieces(&sent, &lengths) {
            stream.push(&piece);
            while let Some(packet) = stream.take().expect("they are well formed") {
                received.push(packet);
            }
        }
        prop_assert_eq!(stream.pending(), 0);
        prop_assert_eq!(received, packets);
    }

    #[test]
    fn votes_survive_any_pieces(
        votes in vec(notification(), 0..5),
        lengths in vec(1_usize..60, 1..8),
        server in 0..u64::MAX / 2,
        address in proptest::option::of("[a-z]{1,9}:[0-9]{4}"),
    ) {
        let greeting = Greeting { server: ServerId(server), address: address.map(Arc::from) };
        let mut sent = greeting.encode().to_vec();
        sent.extend(votes.iter().flat_map(Notification::encode));
        let mut stream = VoteStream::new();
        let mut greeted = None;
        let mut received = Vec::new();
        for piece in pieces(&sent, &lengths) {
            stream.push(&piece);
            if greeted.is_none() {
                greeted = stream.take_greeting().expect("it is well formed");
            }
            while greeted.is_some() && let Some(vote) = stream.take().expect("well formed") {
                received.push(vote);
            }
        }
        prop_assert_eq!(greeted, Some(greeting));
        prop_assert_eq!(received, votes);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        any_bytes(bytes.into());
    }

    /// Nearly right bytes get further than arbitrary ones.
    #[test]
    fn damaged_bytes_are_read_or_refused(
        packet in packet(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packet.encode().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        any_bytes(bytes.clone().into());
        bytes.truncate(cut.index(bytes.len()));
        any_bytes(bytes.into());
        let mut tree = snapshot::encode(&DataTree::new()).to_vec();
        let at = cut.index(tree.len());
        tree[at] = byte;
        any_bytes(tree.into());
    }
}

/// Gives the bytes to every decoder.
fn any_bytes(bytes: Bytes) {
    let _ = Record::decode(bytes.clone());
    let _ = Notification::decode(bytes.clone());
    let _ = snapshot::decode(&bytes, Zxid::ZERO);
    for snap in [false, true] {
        let mut stream = PeerStream::new();
        if snap {
            stream.push(&PeerPacket::Snap { zxid: Zxid::ZERO }.encode());
            stream.take().expect("SNAP is well formed");
        }
        stream.push(&bytes);
        while let Ok(Some(_)) = stream.take() {}
    }
    let mut stream = VoteStream::new();
    stream.push(&bytes);
    if let Ok(Some(_)) = stream.take_greeting() {
        while let Ok(Some(_)) = stream.take() {}
    }
}
