//! Random histories: the tree against a simple model, through [`crate::prep`] with writes
//! outstanding, and replays over fuzzy snapshots.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::snapshot::{self, Loading, Writing};
use super::{DataTree, code, path};
use crate::id::{SessionId, Zxid};
use crate::mechanism::Mechanisms;
use crate::prep::{Ask, Prep};
use crate::txn::{Acl, Txn, TxnHeader};

/// A znode as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    data: Option<Bytes>,
    version: i32,
    owner: i64,
    creates: i32,
    deletes: i32,
}

/// What ZooKeeper promises, one write after the other.
#[derive(Clone, Debug)]
struct Model(BTreeMap<String, Plain>);

impl Model {
    fn new() -> Self {
        let root = Plain { data: Some(Bytes::new()), version: 0, owner: 0, creates: 0, deletes: 0 };
        Self(BTreeMap::from([("/".to_owned(), root)]))
    }

    fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a String> {
        self.0.keys().filter(move |key| path::split(key).is_some_and(|(parent, _)| parent == path))
    }

    fn expect(&mut self, path: &str, version: i32) -> Result<&mut Plain, i32> {
        let node = self.0.get_mut(path).ok_or(code::NO_NODE)?;
        if version != -1 && version != node.version {
            return Err(code::BAD_VERSION);
        }
        Ok(node)
    }

    fn remove(&mut self, path: &str) {
        self.0.remove(path);
        let (parent, _) = path::split(path).expect("the root is never removed");
        self.0.get_mut(parent).expect("parents outlive children").deletes += 1;
    }

    /// The created path, if it was a create.
    fn write(&mut self, session: i64, ask: &Ask) -> Result<Option<String>, i32> {
        match ask {
            Ask::Create { path, data, flags, .. } => {
                let (parent, _) = path::split(path).ok_or(code::NODE_EXISTS)?;
                let parent = self.0.get_mut(parent).ok_or(code::NO_NODE)?;
                let (owner, creates) = (parent.owner, parent.creates);
                let path =
                    if *flags >= 2 { format!("{path}{creates:010}") } else { path.to_string() };
                if self.0.contains_key(&path) {
                    return Err(code::NODE_EXISTS);
                }
                if owner != 0 {
                    return Err(code::NO_CHILDREN_FOR_EPHEMERALS);
                }
                let (parent, _) = path::split(&path).expect("it had a parent");
                self.0.get_mut(parent).expect("it was just there").creates += 1;
                let owner = if flags % 2 == 1 { session } else { 0 };
                let data = data.clone();
                let node = Plain { data, version: 0, owner, creates: 0, deletes: 0 };
                self.0.insert(path.clone(), node);
                return Ok(Some(path));
            }
            Ask::Delete { path, version } => {
                if &**path == "/" {
                    return Err(code::BAD_ARGUMENTS);
                }
                self.expect(path, *version)?;
                if self.children(path).next().is_some() {
                    return Err(code::NOT_EMPTY);
                }
                self.remove(path);
            }
            Ask::SetData { path, data, version } => {
                let node = self.expect(path, *version)?;
                node.data = data.clone();
                node.version += 1;
            }
            Ask::SetAcl { path, .. } => {
                self.expect(path, -1)?;
            }
            Ask::Check { path, version } => {
                self.expect(path, *version)?;
            }
            Ask::Multi(parts) => {
                let before = self.0.clone();
                for part in parts {
                    if let Err(code) = self.write(session, part) {
                        self.0 = before;
                        return Err(code);
                    }
                }
            }
            Ask::CreateSession { .. } => {}
            Ask::CloseSession => {
                let owned: Vec<_> =
                    self.0.iter().filter(|(_, node)| node.owner == session).collect();
                let owned: Vec<_> = owned.into_iter().map(|(path, _)| path.clone()).collect();
                for path in owned {
                    self.remove(&path);
                }
            }
        }
        Ok(None)
    }

    /// The tree has the same znodes, with the same numbers.
    fn check(&self, tree: &DataTree) {
        let built_in = |path: &str| path.starts_with("/zookeeper");
        let seen: Vec<_> = tree.iter().map(|(path, _)| &**path).filter(|p| !built_in(p)).collect();
        let expected: Vec<_> = self.0.keys().map(String::as_str).collect();
        assert_eq!(seen, expected);
        for (path, node) in &self.0 {
            let stat = tree.stat(path).expect("it was just listed");
            // `/zookeeper` is a child that nobody created.
            let extra = i32::from(path == "/");
            let children = self.children(path).count() as i32;
            assert_eq!(stat.num_children, children + extra, "{path}");
            assert_eq!(stat.cversion, node.creates + node.deletes - extra, "{path}");
            assert_eq!((stat.version, stat.ephemeral_owner.0), (node.version, node.owner));
            assert_eq!(tree.get(path).and_then(|node| node.data()), node.data.as_ref(), "{path}");
        }
        for session in 1..4 {
            let owned = self.0.iter().filter(|(_, node)| node.owner == session);
            let owned: Vec<_> = owned.map(|(path, _)| path.as_str()).collect();
            let seen: Vec<_> = tree.ephemerals_of(SessionId(session)).map(|p| &**p).collect();
            assert_eq!(seen, owned);
        }
    }
}

/// Says what the proposed transaction is, in the words of the model.
fn outcome(txn: &Txn) -> Result<Option<String>, i32> {
    match txn {
        Txn::Error { code } => Err(*code),
        Txn::Create { path, .. } => Ok(Some(path.to_string())),
        Txn::Multi(parts) => {
            let codes: Vec<_> = parts.iter().filter_map(|part| outcome(part).err()).collect();
            match codes.iter().find(|code| **code != code::OK) {
                Some(code) if codes.len() == parts.len() => Err(*code),
                Some(_) => panic!("half a multi: {parts:?}"),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A session asks for something.
    Ask(i64, Ask),
    /// Everything but the last few proposals is applied.
    Apply { but: usize },
}

fn any_path() -> impl Strategy<Value = String> {
    "(/[abc]){1,3}"
}

fn write() -> impl Strategy<Value = Ask> {
    let data = || proptest::option::of(vec(any::<u8>(), 0..3).prop_map(Bytes::from));
    let version = || prop_oneof![3 => Just(-1), 1 => 0..3];
    prop_oneof![
        6 => (any_path(), data(), 0..4).prop_map(|(path, data, flags)| {
            Ask::Create { path: path.into(), data, acl: Acl::open(), flags }
        }),
        3 => (any_path(), version())
            .prop_map(|(path, version)| Ask::Delete { path: path.into(), version }),
        3 => (any_path(), data(), version())
            .prop_map(|(path, data, version)| Ask::SetData { path: path.into(), data, version }),
        1 => (any_path(), version())
            .prop_map(|(path, version)| Ask::Check { path: path.into(), version }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    // An own list each, so that snapshots have a table of lists that grows while they are written.
    let set_acl = (any_path(), "[a-z]{2}").prop_map(|(path, id)| {
        let bob = Acl { perms: 1, scheme: "digest".into(), id: format!("{id}:x").into() };
        let acl = Acl::open().iter().cloned().chain([bob]).collect();
        Ask::SetAcl { path: path.into(), acl, version: -1 }
    });
    let ask = prop_oneof![
        12 => write(),
        2 => vec(write(), 0..4).prop_map(Ask::Multi),
        1 => set_acl,
        1 => Just(Ask::CreateSession { timeout_ms: 5_000 }),
        1 => Just(Ask::CloseSession),
    ];
    prop_oneof![
        3 => (1_i64..4, ask).prop_map(|(session, ask)| Step::Ask(session, ask)),
        1 => (0_usize..4).prop_map(|but| Step::Apply { but }),
    ]
}

/// Plays the steps on a tree, judged by the model; gives the history.
fn play(steps: &[Step]) -> (DataTree, Vec<(TxnHeader, Txn)>) {
    let (mut tree, mut prep, mut model) = (DataTree::new(), Prep::new(), Model::new());
    let mechanisms = Mechanisms::default();
    let mut history: Vec<(TxnHeader, Txn)> = Vec::new();
    let mut applied = 0;
    // The last suffix given out below each parent that has lived on since.
    let mut suffixes: BTreeMap<String, String> = BTreeMap::new();
    for step in steps.iter().chain([&Step::Apply { but: 0 }]) {
        match step {
            Step::Ask(session, ask) => {
                let zxid = Zxid(history.len() as u64 + 1);
                let time_ms = zxid.0 as i64 * 10;
                let header = TxnHeader { session: SessionId(*session), cxid: 0, zxid, time_ms };
                let txn = prep.prepare(&tree, &header, ask, &mechanisms);
                let judged = outcome(&txn);
                assert_eq!(judged, model.write(*session, ask), "{ask:?} at {zxid}");
                suffixes.retain(|parent, _| model.0.contains_key(parent));
                if let (Ask::Create { flags: 2.., .. }, Ok(Some(path))) = (ask, &judged) {
                    let (parent, suffix) = (path::split(path), &path[path.len() - 10..]);
                    let (parent, _) = parent.expect("it was created");
                    let before = suffixes.insert(parent.into(), suffix.into());
                    assert!(before.is_none_or(|before| *before < *suffix), "{path}");
                }
                history.push((header, txn));
            }
            Step::Apply { but } => {
                let end = history.len().saturating_sub(*but).max(applied);
                for (header, txn) in &history[applied..end] {
                    tree.apply(header, txn, false);
                    prep.committed(header.zxid);
                }
                applied = end;
            }
        }
    }
    assert_eq!(prep.outstanding(), 0);
    model.check(&tree);
    (tree, history)
}

proptest! {
    #[test]
    fn the_tree_agrees_with_a_model(steps in vec(step(), 0..60)) {
        let (tree, history) = play(&steps);
        // The same route again, and a route through a snapshot, lead to the same tree.
        let mut again = DataTree::new();
        for (header, txn) in &history {
            again.apply(header, txn, false);
        }
        prop_assert_eq!(&again, &tree);
        let loaded = snapshot::decode(&snapshot::encode(&tree), tree.last_zxid());
        prop_assert_eq!(loaded, Ok(tree));
    }

    #[test]
    fn replaying_a_suffix_changes_nothing(
        steps in vec(step(), 0..60),
        from in any::<prop::sample::Index>(),
    ) {
        let (tree, history) = play(&steps);
        let mut again = tree.clone();
        for (header, txn) in &history[from.index(history.len() + 1)..] {
            again.apply(header, txn, false);
        }
        prop_assert_eq!(again, tree);
    }

    #[test]
    fn a_fuzzy_snapshot_and_the_log_after_it_are_the_tree(
        steps in vec(step(), 0..80),
        begin in any::<prop::sample::Index>(),
        slices in vec(0_usize..3, 1..20),
        target in 1_usize..300,
    ) {
        let (tree, history) = play(&steps);
        let begin = begin.index(history.len() + 1);
        let mut live = DataTree::new();
        for (header, txn) in &history[..begin] {
            live.apply(header, txn, false);
        }
        let mut writing = Writing::begin(&live);
        let mut loading = Loading::new();
        let mut late = history[begin..].iter();
        let mut pauses = slices.iter().cycle();
        while let Some(slice) = writing.slice(&live, target) {
            loading.push(&slice).expect("we wrote it");
            for (header, txn) in late.by_ref().take(*pauses.next().expect("endless")) {
                live.apply(header, txn, false);
            }
        }
        prop_assert!(loading.rest().is_empty());
        let mut loaded = loading.finish(writing.zxid()).expect("we wrote it");
        for (header, txn) in &history[begin..] {
            loaded.apply(header, txn, false);
        }
        prop_assert_eq!(loaded, tree);
    }
}
