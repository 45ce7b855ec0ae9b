//! The tree as bytes: sessions, access control lists and znodes, exactly as they stand in a
//! snapshot file between its header and its checksum, and on the wire after SNAP.
//!
//! Written in slices while transactions go on ([`Writing`]): the result is fuzzy, and right again
//! once the transactions after [`Writing::zxid`] are replayed over it. Read in slices as well
//! ([`Loading`]). Two liberties the format leaves make it exactly right. Znodes younger than the
//! beginning are left out: the replay creates them. A znode and its ephemeral children are written
//! at once: when their session closes meanwhile, the replay finds them and so tells their parent
//! (real servers before 3.6 lose that `pzxid`, ZOOKEEPER-3145). Not here: files, checksums, and the
//! signature that ends the wire form.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};

use super::node::{Persisted, Znode, write_persisted};
use super::{DataTree, path};
use crate::id::{SessionId, Zxid};
use crate::txn::Acl;
use crate::wire::jute::{Malformed, Writer};
use crate::wire::partial::{Partial, Stop};
use crate::wire::record::write_acl;

/// The list that is open to everybody is not in the table of lists.
const OPEN_ACL: i64 = -1;
/// More entries than this in one access control list make no sense.
const LONGEST_ACL: i32 = 65_536;
/// What marks the end in place of a path.
const END: &str = "/";

/// A snapshot being written.
#[derive(Clone, Debug)]
pub struct Writing {
    zxid: Zxid,
    acls: BTreeMap<Arc<[Acl]>, i64>,
    cursor: Cursor,
}

#[derive(Clone, Debug)]
enum Cursor {
    Head,
    After(Arc<str>),
    Done,
}

impl Writing {
    /// Begins a snapshot of `tree` as it is, which is not yet looked through.
    pub fn begin(tree: &DataTree) -> Self {
        let mut acls = BTreeMap::new();
        let open = Acl::open();
        for (_, node) in tree.iter() {
            if *node.acl() != open && !acls.contains_key(node.acl()) {
                let index = acls.len() as i64 + 1;
                acls.insert(node.acl().clone(), index);
            }
        }
        Self { zxid: tree.last_zxid(), acls, cursor: Cursor::Head }
    }

    /// The last transaction that is surely in it: later ones must be replayed over it.
    pub fn zxid(&self) -> Zxid {
        self.zxid
    }

    /// The next slice, with as many znodes as bring it to `target` bytes; `None` after the last.
    /// The first one also has all sessions. Znodes are as they are in `tree` now.
    pub fn slice(&mut self, tree: &DataTree, target: usize) -> Option<Bytes> {
        let mut out = Writer::new();
        let mut next = match &self.cursor {
            Cursor::Done => return None,
            Cursor::Head => {
                self.head(tree, &mut out);
                Some(Arc::<str>::from("/"))
            }
            Cursor::After(path) => tree.next_in_preorder(path),
        };
        loop {
            let Some(path) = next else {
                out.string(END);
                self.cursor = Cursor::Done;
                break;
            };
            self.family(&path, tree, &mut out);
            if out.len() >= target {
                self.cursor = Cursor::After(path);
                break;
            }
            next = tree.next_in_preorder(&path);
        }
        Some(out.finish())
    }

    /// A znode with its ephemeral children; an ephemeral one was written with its parent.
    fn family(&self, path: &Arc<str>, tree: &DataTree, out: &mut Writer) {
        let node = tree.get(path).expect("the walk names znodes that are there");
        let ephemeral = |node: &Znode| node.persisted().ephemeral_owner != SessionId::NONE;
        if ephemeral(node) || node.persisted().czxid > self.zxid {
            return;
        }
        self.node(path, node, out);
        for name in node.children() {
            let path = path::join(path, name);
            let child = tree.get(&path).expect("children are there");
            if ephemeral(child) && child.persisted().czxid <= self.zxid {
                self.node(&path, child, out);
            }
        }
    }

    fn head(&self, tree: &DataTree, out: &mut Writer) {
        let sessions: Vec<_> = tree.sessions().iter().collect();
        out.vector(&sessions, |out, (session, timeout_ms)| {
            out.long(session.0).int(**timeout_ms);
        });
        let mut acls: Vec<_> = self.acls.iter().collect();
        acls.sort_by_key(|(_, index)| **index);
        out.vector(&acls, |out, (acl, index)| {
            out.long(**index);
            write_acl(out, acl);
        });
    }

    fn node(&self, path: &str, node: &Znode, out: &mut Writer) {
        // The root has no name.
        out.string(if path == "/" { "" } else { path }).buffer(node.data().map(|data| &data[..]));
        // A list that came up since the beginning is given back by the replay.
        out.long(self.acls.get(node.acl()).copied().unwrap_or(OPEN_ACL));
        write_persisted(out, node.persisted());
    }
}

/// The whole of a tree that stands still.
pub fn encode(tree: &DataTree) -> Bytes {
    Writing::begin(tree).slice(tree, usize::MAX).expect("nothing was written yet")
}

/// Reads a whole snapshot, taken at `zxid`.
pub fn decode(bytes: &[u8], zxid: Zxid) -> Result<DataTree, Malformed> {
    let mut loading = Loading::new();
    loading.push(bytes)?;
    if !loading.rest().is_empty() {
        return Err(Malformed("end of snapshot"));
    }
    loading.finish(zxid)
}

/// A snapshot being read.
#[derive(Clone, Debug)]
pub struct Loading {
    tree: DataTree,
    acls: BTreeMap<i64, Arc<[Acl]>>,
    place: Place,
    pending: BytesMut,
}

impl Loading {
    /// Nothing was read yet.
    pub fn new() -> Self {
        let tree = DataTree::bare();
        let acls = BTreeMap::from([(OPEN_ACL, Acl::open())]);
        Self { tree, acls, place: Place::Sessions, pending: BytesMut::new() }
    }

    /// Reads the next piece, of any length; whether the end was reached. An error is final.
    pub fn push(&mut self, piece: &[u8]) -> Result<bool, Malformed> {
        self.pending.extend_from_slice(piece);
        while self.place != Place::End {
            let mut partial = Partial::new(&self.pending);
            let mut place = self.place;
            let item = match place.item(&mut partial) {
                Err(Stop::Short) => return Ok(false),
                Err(Stop::Malformed(malformed)) => return Err(malformed),
                Ok(item) => item,
            };
            let read = self.pending.len() - partial.remaining();
            match item {
                Item::Count | Item::End => {}
                Item::Session(session, timeout_ms) => {
                    self.tree.sessions.insert(session, timeout_ms);
                }
                Item::Acl(index, acl) => {
                    self.acls.insert(index, acl.into());
                }
                Item::Node { path, data, acl, persisted } => {
                    let acl = self.acls.get(&acl).ok_or(Malformed("access control of a znode"))?;
                    let data = data.map(Bytes::copy_from_slice);
                    let path = if path.is_empty() { "/" } else { path };
                    add(&mut self.tree, path.into(), Znode::new(data, acl.clone(), persisted))?;
                }
            }
            self.place = place;
            self.pending.advance(read);
        }
        Ok(true)
    }

    /// Whether the end was reached.
    pub fn is_done(&self) -> bool {
        self.place == Place::End
    }

    /// What came behind the end.
    pub fn rest(&self) -> &[u8] {
        &self.pending
    }

    /// The tree, as of `zxid`.
    pub fn finish(mut self, zxid: Zxid) -> Result<DataTree, Malformed> {
        if !self.is_done() || self.tree.is_empty() {
            return Err(Malformed("snapshot without an end"));
        }
        self.tree.last_zxid = zxid;
        Ok(self.tree)
    }
}

impl Default for Loading {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts a znode that was read into the tree; parents come before their children.
fn add(tree: &mut DataTree, path: Arc<str>, node: Znode) -> Result<(), Malformed> {
    let sound = match path::split(&path) {
        None => &*path == "/",
        Some((parent, name)) => {
            path.starts_with('/') && !name.is_empty() && tree.get(parent).is_some()
        }
    };
    if !sound || tree.get(&path).is_some() {
        return Err(Malformed("path of a znode"));
    }
    tree.attach(path, node);
    Ok(())
}

/// Finds where a snapshot ends in a stream, without keeping it.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    place: Place,
    read: usize,
}

impl Scan {
    pub(crate) fn new() -> Self {
        Self { place: Place::Sessions, read: 0 }
    }

    /// How long the snapshot at the front of `bytes` is, once its end is there. `bytes` must be
    /// what it was before, or longer.
    pub(crate) fn length(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        while self.place != Place::End {
            let mut partial = Partial::new(&bytes[self.read..]);
            let mut place = self.place;
            match place.item(&mut partial) {
                Err(Stop::Short) => return Ok(None),
                Err(Stop::Malformed(malformed)) => return Err(malformed),
                Ok(_) => {}
            }
            self.place = place;
            self.read = bytes.len() - partial.remaining();
        }
        Ok(Some(self.read))
    }
}

/// Where in a snapshot the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Sessions,
    Session { left: i32 },
    Acls,
    Acl { left: i32 },
    Nodes,
    End,
}

enum Item<'a> {
    Count,
    Session(SessionId, i32),
    Acl(i64, Vec<Acl>),
    Node { path: &'a str, data: Option<&'a [u8]>, acl: i64, persisted: Persisted },
    End,
}

impl Place {
    /// Reads one item and moves on. After an error the place must not be used.
    fn item<'a>(&mut self, from: &mut Partial<'a>) -> Result<Item<'a>, Stop> {
        match *self {
            Self::Sessions => {
                *self = Self::Session { left: from.count(i32::MAX, "count of sessions")? };
                Ok(Item::Count)
            }
            Self::Session { left: 1.. } => {
                let session = SessionId(from.long()?);
                let timeout_ms = from.int()?;
                self.count_down();
                Ok(Item::Session(session, timeout_ms))
            }
            Self::Session { .. } => {
                *self = Self::Acls;
                Ok(Item::Count)
            }
            Self::Acls => {
                *self = Self::Acl { left: from.count(i32::MAX, "count of lists")? };
                Ok(Item::Count)
            }
            Self::Acl { left: 1.. } => {
                let index = from.long()?;
                let acl = read_acl(from)?;
                self.count_down();
                Ok(Item::Acl(index, acl))
            }
            Self::Acl { .. } => {
                *self = Self::Nodes;
                Ok(Item::Count)
            }
            Self::Nodes | Self::End => {
                let path = from.string("path of a znode")?;
                if path == END {
                    *self = Self::End;
                    return Ok(Item::End);
                }
                let data = from.buffer("data of a znode")?;
                let acl = from.long()?;
                let persisted = read_persisted(from)?;
                Ok(Item::Node { path, data, acl, persisted })
            }
        }
    }

    fn count_down(&mut self) {
        if let Self::Session { left } | Self::Acl { left } = self {
            *left -= 1;
        }
    }
}

fn read_acl(from: &mut Partial<'_>) -> Result<Vec<Acl>, Stop> {
    let mut acl = Vec::new();
    for _ in 0..from.count(LONGEST_ACL, "access control list")? {
        let perms = from.int()?;
        let scheme = from.string("scheme of an access control list")?.into();
        let id = from.string("id in an access control list")?.into();
        acl.push(Acl { perms, scheme, id });
    }
    Ok(acl)
}

fn read_persisted(from: &mut Partial<'_>) -> Result<Persisted, Stop> {
    Ok(Persisted {
        czxid: Zxid(from.long()?.cast_unsigned()),
        mzxid: Zxid(from.long()?.cast_unsigned()),
        ctime: from.long()?,
        mtime: from.long()?,
        version: from.int()?,
        creates: from.int()?,
        aversion: from.int()?,
        ephemeral_owner: SessionId(from.long()?),
        pzxid: Zxid(from.long()?.cast_unsigned()),
    })
}
