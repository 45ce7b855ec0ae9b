//! What travels comes back, garbage is refused and cheap, and two messages are byte for byte what Java sends.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::txn::Acl;

fn path() -> impl Strategy<Value = Arc<str>> {
    "(/[a-z0-9é]{1,6}){1,3}".prop_map(Arc::from)
}

fn paths() -> impl Strategy<Value = Vec<Arc<str>>> {
    vec(path(), 0..4)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn acl() -> impl Strategy<Value = Arc<[Acl]>> {
    let entry = (any::<i32>(), "[a-z]{0,6}", "[a-z:]{0,9}").prop_map(|(perms, scheme, id)| Acl {
        perms,
        scheme: scheme.into(),
        id: id.into(),
    });
    vec(entry, 0..3).prop_map(Arc::from)
}

prop_compose! {
    fn stat()(longs in any::<[i64; 6]>(), ints in any::<[i32; 5]>()) -> Stat {
        Stat {
            czxid: Zxid(longs[0].cast_unsigned()),
            mzxid: Zxid(longs[1].cast_unsigned()),
            ctime: longs[2],
            mtime: longs[3],
            version: ints[0],
            cversion: ints[1],
            aversion: ints[2],
            ephemeral_owner: SessionId(longs[4]),
            data_length: ints[3],
            num_children: ints[4],
            pzxid: Zxid(longs[5].cast_unsigned()),
        }
    }
}

fn multi_op() -> impl Strategy<Value = MultiOp> {
    prop_oneof![
        (path(), option::of(bytes()), acl(), 0..4)
            .prop_map(|(path, data, acl, flags)| { MultiOp::Create { path, data, acl, flags } }),
        (path(), option::of(bytes()), acl(), 0..4)
            .prop_map(|(path, data, acl, flags)| { MultiOp::Create2 { path, data, acl, flags } }),
        (path(), any::<i32>()).prop_map(|(path, version)| MultiOp::Delete { path, version }),
        (path(), any::<i32>()).prop_map(|(path, version)| MultiOp::Check { path, version }),
        (path(), option::of(bytes()), any::<i32>())
            .prop_map(|(path, data, version)| MultiOp::SetData { path, data, version }),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        (path(), option::of(bytes()), acl(), 0..4)
            .prop_map(|(path, data, acl, flags)| { Request::Create { path, data, acl, flags } }),
        (path(), option::of(bytes()), acl(), 0..4)
            .prop_map(|(path, data, acl, flags)| { Request::Create2 { path, data, acl, flags } }),
        (path(), any::<i32>()).prop_map(|(path, version)| Request::Delete { path, version }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Request::Exists { path, watch }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Request::GetData { path, watch }),
        (path(), option::of(bytes()), any::<i32>())
            .prop_map(|(path, data, version)| Request::SetData { path, data, version }),
        path().prop_map(|path| Request::GetAcl { path }),
        (path(), acl(), any::<i32>()).prop_map(|(path, acl, version)| Request::SetAcl {
            path,
            acl,
            version
        }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Request::GetChildren { path, watch }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Request::GetChildren2 { path, watch }),
        path().prop_map(|path| Request::Sync { path }),
        vec(multi_op(), 0..5).prop_map(Request::Multi),
        Just(Request::Ping),
        Just(Request::CloseSession),
        (any::<i32>(), "[a-z]{0,6}", option::of(bytes())).prop_map(|(kind, scheme, auth)| {
            Request::Auth { kind, scheme: scheme.into(), auth }
        }),
        (any::<u64>(), paths(), paths(), paths()).prop_map(|(zxid, data, exist, child)| {
            Request::SetWatches { relative_zxid: Zxid(zxid), data, exist, child }
        }),
        Just(Request::Unknown { opcode: 16 }),
    ]
}

fn multi_result() -> impl Strategy<Value = MultiResult> {
    prop_oneof![
        path().prop_map(|path| MultiResult::Create { path }),
        (path(), stat()).prop_map(|(path, stat)| MultiResult::Create2 { path, stat }),
        Just(MultiResult::Delete),
        stat().prop_map(|stat| MultiResult::SetData { stat }),
        Just(MultiResult::Check),
        any::<i32>().prop_map(|code| MultiResult::Error { code }),
    ]
}

/// A response with the opcode it answers.
fn response() -> impl Strategy<Value = (i32, Response)> {
    use opcode::*;
    prop_oneof![
        path().prop_map(|path| (CREATE, Response::Create { path })),
        (path(), stat()).prop_map(|(path, stat)| (CREATE2, Response::Create2 { path, stat })),
        (prop_oneof![Just(EXISTS), Just(SET_DATA), Just(SET_ACL)], stat())
            .prop_map(|(opcode, stat)| (opcode, Response::Stat(stat))),
        (option::of(bytes()), stat())
            .prop_map(|(data, stat)| (GET_DATA, Response::Data { data, stat })),
        paths().prop_map(|children| (GET_CHILDREN, Response::Children { children })),
        (paths(), stat())
            .prop_map(|(children, stat)| (GET_CHILDREN2, Response::Children2 { children, stat })),
        (acl(), stat()).prop_map(|(acl, stat)| (GET_ACL, Response::Acl { acl, stat })),
        path().prop_map(|path| (SYNC, Response::Sync { path })),
        vec(multi_result(), 0..5).prop_map(|results| (MULTI, Response::Multi(results))),
        prop_oneof![Just(DELETE), Just(PING), Just(CLOSE_SESSION), Just(AUTH), Just(SET_WATCHES)]
            .prop_map(|opcode| (opcode, Response::Empty)),
    ]
}

/// Noughts are common, so that some lengths and counts are small.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0u8), any::<u8>()], 0..200)
}

/// The body of a frame, after seeing that the length in front is right.
fn body(frame: Bytes) -> Bytes {
    let mut frames = machine::Frames::new(FRAME_MAX);
    frames.push(&frame);
    let body = frames.take().expect("short enough").expect("whole");
    assert_eq!(frames.pending(), 0);
    body
}

proptest! {
    #[test]
    fn requests_come_back(xid in any::<i32>(), request in request()) {
        let (header, rest) = RequestHeader::split(body(request.frame(xid)))?;
        prop_assert_eq!(header, RequestHeader { xid, opcode: request.opcode() });
        prop_assert_eq!(&rest, &request.body());
        prop_assert_eq!(Request::decode(header.opcode, rest)?, request);
    }

    #[test]
    fn responses_come_back(xid: i32, zxid: u64, (opcode, response) in response()) {
        let header = ReplyHeader { xid, zxid: Zxid(zxid), err: code::OK };
        let (found, rest) = ReplyHeader::split(body(response.frame(&header)))?;
        prop_assert_eq!(found, header);
        prop_assert_eq!(Response::decode(opcode, rest)?, response);
    }

    #[test]
    fn handshakes_come_back(
        longs in any::<(u64, i64)>(),
        timeout_ms in any::<i32>(),
        password in bytes(),
        read_only in any::<Option<bool>>(),
    ) {
        let session = SessionId(longs.1);
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid(longs.0),
            timeout_ms,
            session,
            password: password.clone(),
            read_only,
        };
        prop_assert_eq!(ConnectRequest::decode(body(request.frame()))?, request);
        let response =
            ConnectResponse { protocol_version: 0, timeout_ms, session, password, read_only };
        prop_assert_eq!(ConnectResponse::decode(body(response.frame()))?, response);
    }

    #[test]
    fn events_come_back(kind in any::<i32>(), path in path()) {
        let event = WatcherEvent { kind, state: WatcherEvent::SYNC_CONNECTED, path };
        let (header, rest) = ReplyHeader::split(body(event.frame()))?;
        prop_assert_eq!((header.xid, header.err), (xid::NOTIFICATION, code::OK));
        prop_assert_eq!(WatcherEvent::decode(rest)?, event);
    }

    /// Whatever arrives, decoding ends, and what it made is not much larger than what arrived.
    #[test]
    fn garbage_is_refused(opcode in -12..110, garbage in garbage()) {
        let most = 1 + garbage.len();
        let garbage = Bytes::from(garbage);
        let _ = ConnectRequest::decode(garbage.clone());
        let _ = ConnectResponse::decode(garbage.clone());
        let _ = RequestHeader::split(garbage.clone());
        let _ = ReplyHeader::split(garbage.clone());
        let _ = WatcherEvent::decode(garbage.clone());
        match Request::decode(opcode, garbage.clone()) {
            Ok(Request::Multi(ops)) => prop_assert!(ops.len() * 9 <= most),
            Ok(Request::SetWatches { data, exist, child, .. }) => {
                prop_assert!((data.len() + exist.len() + child.len()) * 4 <= most);
            }
            Ok(Request::SetAcl { acl, .. }) => prop_assert!(acl.len() * 12 <= most),
            _ => {}
        }
        match Response::decode(opcode, garbage) {
            Ok(Response::Multi(results)) => prop_assert!(results.len() * 9 <= most),
            Ok(Response::Children { children }) => prop_assert!(children.len() * 4 <= most),
            _ => {}
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_connect_request_byte_for_byte() {
    let request = ConnectRequest {
        protocol_version: 0,
        last_zxid_seen: Zxid(0x1_0000_0002),
        timeout_ms: 18_000,
        session: SessionId::NONE,
        password: Bytes::from_static(&[0; PASSWORD_LENGTH]),
        read_only: Some(false),
    };
    let expected = "00 00 00 2d \
                    00 00 00 00 \
                    00 00 00 01 00 00 00 02 \
                    00 00 46 50 \
                    00 00 00 00 00 00 00 00 \
                    00 00 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
                    00";
    assert_eq!(hex(&request.frame()), expected);
    // An old client leaves out the last byte.
    let old = ConnectRequest { read_only: None, ..request };
    assert_eq!(old.frame()[..4], [0, 0, 0, 0x2c]);
}

#[test]
fn a_create_byte_for_byte() {
    let request = Request::Create {
        path: "/a".into(),
        data: Some(Bytes::from_static(b"hi")),
        acl: Acl::open(),
        flags: CreateFlags { ephemeral: true, sequential: true }.to_wire(),
    };
    let expected = "00 00 00 33 \
                    00 00 00 07 00 00 00 01 \
                    00 00 00 02 2f 61 \
                    00 00 00 02 68 69 \
                    00 00 00 01 00 00 00 1f \
                    00 00 00 05 77 6f 72 6c 64 00 00 00 06 61 6e 79 6f 6e 65 \
                    00 00 00 03";
    assert_eq!(hex(&request.frame(7)), expected);
}

#[test]
fn a_failed_multi_byte_for_byte() {
    let failed = Response::Multi(vec![
        MultiResult::Error { code: code::OK },
        MultiResult::Error { code: code::BAD_VERSION },
        MultiResult::Error { code: code::RUNTIME_INCONSISTENCY },
    ]);
    let header = ReplyHeader { xid: 1, zxid: Zxid(2), err: code::OK };
    let expected = "00 00 00 40 \
                    00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 \
                    ff ff ff ff 00 00 00 00 00 00 00 00 00 \
                    ff ff ff ff 00 ff ff ff 99 ff ff ff 99 \
                    ff ff ff ff 00 ff ff ff fe ff ff ff fe \
                    ff ff ff ff 01 ff ff ff ff";
    assert_eq!(hex(&failed.frame(&header)), expected);
}
