//! What clients are told about znodes, and what watches are told when they change.

use std::sync::Arc;

use bytes::Bytes;

use super::watch::{SetWatches, Watches};
use super::{Applied, DataTree, Effect, EventKind, Stat, TreeEvent, code};
use crate::id::{SessionId, Zxid};
use crate::txn::{Acl, Txn, TxnHeader};

const SESSION: SessionId = SessionId(77);

fn apply(tree: &mut DataTree, zxid: u64, txn: Txn) -> Applied {
    let header =
        TxnHeader { session: SESSION, cxid: 1, zxid: Zxid(zxid), time_ms: 1_000 + zxid as i64 };
    tree.apply(&header, &txn, false)
}

fn create(path: &str, parent_cversion: i32) -> Txn {
    made(path, false, parent_cversion)
}

fn made(path: &str, ephemeral: bool, parent_cversion: i32) -> Txn {
    let (data, acl) = (Some(Bytes::from_static(b"x")), Acl::open());
    Txn::Create { path: path.into(), data, acl, ephemeral, parent_cversion }
}

fn delete(path: &str) -> Txn {
    Txn::Delete { path: path.into() }
}

fn event(kind: EventKind, path: &str) -> TreeEvent {
    TreeEvent { kind, path: path.into() }
}

#[test]
fn a_fresh_server_has_three_znodes_without_a_past() {
    let tree = DataTree::new();
    let paths: Vec<_> = tree.iter().map(|(path, _)| &**path).collect();
    assert_eq!(paths, ["/", "/zookeeper", "/zookeeper/quota"]);
    // No transaction made its child, so the count of changes is one short.
    let expected = Stat { cversion: -1, num_children: 1, ..Stat::default() };
    assert_eq!(tree.stat("/zookeeper"), Some(expected));
    assert_eq!(tree.stat("/"), Some(expected));
    assert_eq!(tree.stat("/zookeeper/quota"), Some(Stat::default()));
    assert_eq!(tree.get("/zookeeper/quota").and_then(|node| node.data()), Some(&Bytes::new()));
}

#[test]
fn stats_tell_the_life_of_a_znode() {
    let mut tree = DataTree::new();
    apply(&mut tree, 1, create("/a", 1));
    apply(&mut tree, 2, create("/a/b", 1));
    apply(&mut tree, 3, made("/a/c", true, 2));
    apply(&mut tree, 4, delete("/a/b"));
    let data = Some(Bytes::from_static(b"new"));
    apply(&mut tree, 5, Txn::SetData { path: "/a".into(), data, version: 1 });
    apply(&mut tree, 6, Txn::SetAcl { path: "/a".into(), acl: Acl::open(), version: 1 });
    let a = Stat {
        czxid: Zxid(1),
        mzxid: Zxid(5),
        ctime: 1_001,
        mtime: 1_005,
        version: 1,
        cversion: 3,
        aversion: 1,
        ephemeral_owner: SessionId::NONE,
        data_length: 3,
        num_children: 1,
        pzxid: Zxid(4),
    };
    assert_eq!(tree.stat("/a"), Some(a));
    let c = tree.stat("/a/c").expect("it is there");
    assert_eq!((c.ephemeral_owner, c.pzxid, c.cversion), (SESSION, Zxid(3), 0));
    assert_eq!(tree.stat("/").map(|root| (root.cversion, root.pzxid)), Some((0, Zxid(1))));
    assert_eq!(tree.last_zxid(), Zxid(6));
}

#[test]
fn null_and_empty_are_two_things() {
    let mut tree = DataTree::new();
    let acl = Acl::open();
    let null = |path: &str, parent_cversion| Txn::Create {
        path: path.into(),
        data: None,
        acl: acl.clone(),
        ephemeral: false,
        parent_cversion,
    };
    apply(&mut tree, 1, null("/n", 1));
    assert_eq!(tree.get("/n").map(|node| node.data()), Some(None));
    let mut other = tree.clone();
    let set = |data| Txn::SetData { path: "/n".into(), data, version: 1 };
    apply(&mut tree, 2, set(Some(Bytes::new())));
    assert_eq!(tree.get("/n").map(|node| node.data()), Some(Some(&Bytes::new())));
    apply(&mut other, 2, set(None));
    assert_ne!(tree.digest(), other.digest());
}

#[test]
fn the_end_of_a_session_takes_its_ephemerals_in_order() {
    let mut tree = DataTree::new();
    apply(&mut tree, 1, Txn::CreateSession { timeout_ms: 6_000 });
    assert_eq!(tree.sessions().get(&SESSION), Some(&6_000));
    for (zxid, path) in [(2, "/e2"), (3, "/e1")] {
        apply(&mut tree, zxid, made(path, true, zxid as i32 - 1));
    }
    let owned: Vec<_> = tree.ephemerals_of(SESSION).map(|path| &**path).collect();
    assert_eq!(owned, ["/e1", "/e2"]);
    let end = apply(&mut tree.clone(), 4, Txn::CloseSession);
    let expected = [
        event(EventKind::Deleted, "/e1"),
        event(EventKind::ChildrenChanged, "/"),
        event(EventKind::Deleted, "/e2"),
        event(EventKind::ChildrenChanged, "/"),
    ];
    assert_eq!((end.ephemerals_removed, end.events), (2, expected.to_vec()));

    let header = TxnHeader { session: SESSION, cxid: 0, zxid: Zxid(4), time_ms: 0 };
    let kept = tree.apply(&header, &Txn::CloseSession, true);
    assert_eq!((kept.ephemerals_removed, tree.len(), tree.sessions().len()), (0, 5, 0));
}

#[test]
fn a_multi_says_what_became_of_each_part() {
    let mut tree = DataTree::new();
    let fine = Txn::Multi(vec![create("/a", 1), Txn::Check { path: "/a".into(), version: 0 }]);
    let outcome = apply(&mut tree, 1, fine).outcome;
    let stat = tree.stat("/a").expect("it was created");
    let created = Effect::Created { path: "/a".into(), stat };
    assert_eq!(outcome, Ok(Effect::Multi(vec![Ok(created), Ok(Effect::Checked)])));
    let failed = Txn::Multi(vec![Txn::Error { code: 0 }, Txn::Error { code: code::NO_NODE }]);
    let outcome = apply(&mut tree, 2, failed).outcome;
    assert_eq!(outcome, Ok(Effect::Multi(vec![Err(0), Err(code::NO_NODE)])));
}

#[test]
fn watches_fire_once_and_a_deletion_is_told_once() {
    let mut watches = Watches::new();
    let a: Arc<str> = "/a".into();
    watches.watch_data(a.clone(), 1);
    watches.watch_data(a.clone(), 2);
    watches.watch_children(a.clone(), 1);
    watches.watch_children("/".into(), 3);
    assert_eq!(watches.len(), 4);
    assert_eq!(watches.trigger(&event(EventKind::ChildrenChanged, "/b")), []);
    let gone = event(EventKind::Deleted, "/a");
    assert_eq!(watches.trigger(&gone), [(1, gone.clone()), (2, gone.clone())]);
    assert_eq!(watches.trigger(&gone), []);
    watches.drop_watcher(3);
    assert!(watches.is_empty());
}

#[test]
fn a_client_that_comes_back_hears_what_it_missed() {
    let mut tree = DataTree::new();
    for (zxid, path) in [(1, "/same"), (2, "/changed"), (3, "/parent")] {
        apply(&mut tree, zxid, create(path, zxid as i32));
    }
    let data = Some(Bytes::new());
    apply(&mut tree, 4, Txn::SetData { path: "/changed".into(), data, version: 1 });
    apply(&mut tree, 5, create("/parent/child", 1));
    let paths = |paths: &[&str]| paths.iter().map(|path| Arc::from(*path)).collect::<Vec<_>>();
    let asked = SetWatches {
        seen: Zxid(3),
        data: paths(&["/same", "/changed", "/gone"]),
        exists: paths(&["/same", "/never"]),
        children: paths(&["/parent", "/same", "/gone"]),
    };
    let mut watches = Watches::new();
    let missed = watches.set_watches(9, &tree, &asked);
    let expected = [
        event(EventKind::DataChanged, "/changed"),
        event(EventKind::Deleted, "/gone"),
        event(EventKind::Created, "/same"),
        event(EventKind::ChildrenChanged, "/parent"),
        event(EventKind::Deleted, "/gone"),
    ];
    assert_eq!(missed, expected);
    // Watched again: data of /same and /never, children of /same.
    assert_eq!(watches.len(), 3);
    let created = event(EventKind::Created, "/never");
    assert_eq!(watches.trigger(&created), [(9, created.clone())]);
}

#[test]
fn preorder_goes_on_where_the_walk_stood_even_if_that_is_gone() {
    let mut tree = DataTree::new();
    // As text, "/a-" would come between "/a" and "/a/b".
    for (zxid, path) in [(1, "/a"), (2, "/a-"), (3, "/a/b"), (4, "/a/c")] {
        apply(&mut tree, zxid, create(path, zxid as i32));
    }
    let mut walk = vec![Arc::<str>::from("/")];
    while let Some(next) = tree.next_in_preorder(walk.last().expect("it begins at the root")) {
        walk.push(next);
    }
    let walk: Vec<_> = walk.iter().map(|path| &**path).collect();
    assert_eq!(walk, ["/", "/a", "/a/b", "/a/c", "/a-", "/zookeeper", "/zookeeper/quota"]);
    for path in ["/a/b", "/a/c", "/a"] {
        apply(&mut tree, 5, delete(path));
    }
    assert_eq!(tree.next_in_preorder("/a/b").as_deref(), Some("/a-"));
}
