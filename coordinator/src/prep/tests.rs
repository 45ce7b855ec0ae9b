//! What is refused, and why; what a write sees of those before it that are not applied yet.

use std::sync::Arc;

use bytes::Bytes;

use super::{Ask, Prep};
use crate::id::{SessionId, Zxid};
use crate::mechanism::{Mechanisms, Mutant};
use crate::tree::{DataTree, code};
use crate::txn::{Acl, Txn, TxnHeader};

/// A leader that proposes and, when told, applies.
struct Leader {
    tree: DataTree,
    prep: Prep,
    mechanisms: Mechanisms,
    proposed: Vec<(TxnHeader, Txn)>,
    zxid: u64,
}

impl Leader {
    fn new(mutants: &[Mutant]) -> Self {
        let mechanisms =
            Mechanisms { mutants: mutants.iter().copied().collect(), ..Mechanisms::default() };
        let (tree, prep) = (DataTree::new(), Prep::new());
        Self { tree, prep, mechanisms, proposed: Vec::new(), zxid: 0 }
    }

    fn ask_in(&mut self, session: i64, ask: Ask) -> Txn {
        self.zxid += 1;
        let (session, zxid) = (SessionId(session), Zxid(self.zxid));
        let header = TxnHeader { session, cxid: 0, zxid, time_ms: 0 };
        let txn = self.prep.prepare(&self.tree, &header, &ask, &self.mechanisms);
        self.proposed.push((header, txn.clone()));
        txn
    }

    fn ask(&mut self, ask: Ask) -> Txn {
        self.ask_in(1, ask)
    }

    fn apply(&mut self) {
        for (header, txn) in self.proposed.drain(..) {
            self.tree.apply(&header, &txn, false);
            self.prep.committed(header.zxid);
        }
        assert_eq!(self.prep.outstanding(), 0);
    }
}

fn create(path: &str, flags: i32) -> Ask {
    Ask::Create { path: path.into(), data: Some(Bytes::new()), acl: Acl::open(), flags }
}

fn delete(path: &str) -> Ask {
    Ask::Delete { path: path.into(), version: -1 }
}

fn set(path: &str, version: i32) -> Ask {
    Ask::SetData { path: path.into(), data: None, version }
}

fn refused(code: i32) -> Txn {
    Txn::Error { code }
}

fn path_of(txn: &Txn) -> &str {
    match txn {
        Txn::Create { path, .. } => path,
        other => panic!("not a create: {other:?}"),
    }
}

#[test]
fn refusals_have_the_codes_clients_know() {
    let mut leader = Leader::new(&[]);
    leader.ask(create("/a", 0));
    leader.ask(create("/a/b", 1));
    for applied in [false, true] {
        if applied {
            leader.apply();
        }
        let acl: Arc<[Acl]> = Arc::new([]);
        let no_acl = Ask::Create { path: "/x".into(), data: None, acl: acl.clone(), flags: 0 };
        let cases = [
            (create("/a", 0), code::NODE_EXISTS),
            (create("/", 0), code::NODE_EXISTS),
            (create("/n/o", 0), code::NO_NODE),
            (create("/a/b/c", 0), code::NO_CHILDREN_FOR_EPHEMERALS),
            (create("a", 0), code::BAD_ARGUMENTS),
            (create("/a/", 0), code::BAD_ARGUMENTS),
            (create("/a/..", 0), code::BAD_ARGUMENTS),
            (create("/x\0", 0), code::BAD_ARGUMENTS),
            (create("/x", 4), code::BAD_ARGUMENTS),
            (no_acl, code::INVALID_ACL),
            (delete("/a"), code::NOT_EMPTY),
            (delete("/x"), code::NO_NODE),
            (delete("/"), code::BAD_ARGUMENTS),
            (delete("/zookeeper/quota"), code::BAD_ARGUMENTS),
            (Ask::Delete { path: "/a/b".into(), version: 1 }, code::BAD_VERSION),
            (set("/a", 1), code::BAD_VERSION),
            (set("/x", -1), code::NO_NODE),
            (Ask::SetAcl { path: "/a".into(), acl, version: -1 }, code::INVALID_ACL),
            (Ask::SetAcl { path: "/a".into(), acl: Acl::open(), version: 3 }, code::BAD_VERSION),
        ];
        for (ask, code) in cases {
            assert_eq!(leader.ask(ask.clone()), refused(code), "{ask:?}");
        }
    }
}

#[test]
fn a_write_sees_those_before_it_that_are_not_applied_yet() {
    let mut leader = Leader::new(&[]);
    leader.ask(create("/a", 0));
    assert!(matches!(leader.ask(set("/a", 0)), Txn::SetData { version: 1, .. }));
    assert!(matches!(leader.ask(set("/a", 1)), Txn::SetData { version: 2, .. }));
    assert!(matches!(leader.ask(delete("/a")), Txn::Delete { .. }));
    assert_eq!(leader.ask(set("/a", -1)), refused(code::NO_NODE));
    assert!(matches!(leader.ask(create("/a", 0)), Txn::Create { parent_cversion: 2, .. }));
    leader.apply();
    assert_eq!(leader.tree.stat("/a").map(|stat| stat.version), Some(0));
}

#[test]
fn suffixes_grow_even_when_children_go() {
    for (mutants, second) in
        [(&[][..], "/q/n-0000000001"), (&[Mutant::SequenceCountsChildren], "/q/n-0000000000")]
    {
        let mut leader = Leader::new(mutants);
        leader.ask(create("/q", 0));
        let first = leader.ask(create("/q/n-", 2));
        assert_eq!(path_of(&first), "/q/n-0000000000");
        leader.ask(delete("/q/n-0000000000"));
        leader.apply();
        assert_eq!(path_of(&leader.ask(create("/q/n-", 3))), second);
    }
    // A name may consist of the suffix alone.
    let mut leader = Leader::new(&[]);
    leader.ask(create("/q", 0));
    assert_eq!(path_of(&leader.ask(create("/q/", 2))), "/q/0000000000");
}

#[test]
fn a_multi_that_fails_leaves_nothing_behind() {
    let parts = vec![create("/a/n-", 2), set("/a", -1), set("/x", -1), create("/b", 0)];
    let mut leader = Leader::new(&[]);
    leader.ask(create("/a", 0));
    let codes = [code::OK, code::OK, code::NO_NODE, code::RUNTIME_INCONSISTENCY];
    let expected = Txn::Multi(codes.into_iter().map(refused).collect());
    assert_eq!(leader.ask(Ask::Multi(parts.clone())), expected);
    // Neither the version nor the parent's count has moved.
    assert!(matches!(leader.ask(set("/a", 0)), Txn::SetData { version: 1, .. }));
    assert_eq!(path_of(&leader.ask(create("/a/n-", 2))), "/a/n-0000000000");
    leader.apply();

    let mut mutant = Leader::new(&[Mutant::PartialMulti]);
    mutant.ask(create("/a", 0));
    mutant.ask(Ask::Multi(parts));
    mutant.apply();
    assert!(mutant.tree.get("/a/n-0000000000").is_some());
}

#[test]
fn parts_of_a_multi_see_each_other() {
    let mut leader = Leader::new(&[]);
    let check = Ask::Check { path: "/a".into(), version: 1 };
    let parts = vec![create("/a", 0), set("/a", 0), check, create("/a/b", 0), delete("/a/b")];
    let Txn::Multi(txns) = leader.ask(Ask::Multi(parts)) else { panic!("a multi stays one") };
    assert!(!txns.iter().any(|txn| matches!(txn, Txn::Error { .. })), "{txns:?}");
    let nested = Ask::Multi(vec![Ask::Multi(vec![])]);
    assert_eq!(leader.ask(nested), Txn::Multi(vec![refused(code::UNIMPLEMENTED)]));
    leader.apply();
    assert_eq!(leader.tree.children("/a").map(Iterator::count), Some(0));
}

#[test]
fn the_end_of_a_session_counts_what_is_outstanding() {
    let mut leader = Leader::new(&[]);
    leader.ask(create("/p", 0));
    leader.ask(create("/p/old", 1));
    leader.ask(create("/p/freed", 1));
    leader.apply();
    leader.ask(create("/p/new", 1));
    leader.ask(delete("/p/freed"));
    leader.ask_in(2, create("/p/freed", 1));
    assert_eq!(leader.ask(Ask::CloseSession), Txn::CloseSession);
    // All before any of it is applied: the names are free, other sessions keep theirs, the parent
    // can go.
    assert!(matches!(leader.ask_in(2, create("/p/old", 0)), Txn::Create { .. }));
    assert!(matches!(leader.ask_in(2, create("/p/new", 0)), Txn::Create { .. }));
    assert_eq!(leader.ask_in(2, create("/p/freed", 0)), refused(code::NODE_EXISTS));
    for path in ["/p/old", "/p/new", "/p/freed", "/p"] {
        assert!(matches!(leader.ask_in(2, delete(path)), Txn::Delete { .. }), "{path}");
    }
    leader.apply();
    assert_eq!(leader.tree.len(), 3);
}

#[test]
fn a_list_that_lets_nobody_in_lets_nobody_in() {
    let mut leader = Leader::new(&[]);
    let only_read = Acl { perms: 1, scheme: "world".into(), id: "anyone".into() };
    let someone = Acl { perms: 31, scheme: "digest".into(), id: "bob:hash".into() };
    let acl: Arc<[Acl]> = Arc::new([only_read.clone(), someone.clone(), only_read.clone()]);
    let made = leader.ask(Ask::Create { path: "/r".into(), data: None, acl, flags: 0 });
    assert!(matches!(made, Txn::Create { acl, .. } if *acl == [only_read, someone]));
    assert_eq!(leader.ask(set("/r", -1)), refused(code::NO_AUTH));
    assert_eq!(leader.ask(create("/r/c", 0)), refused(code::NO_AUTH));
    let check = Ask::Check { path: "/r".into(), version: 0 };
    assert!(matches!(leader.ask(check), Txn::Check { .. }));
}
