//! A ZooKeeper small enough for a transcript: a map of znodes, one-shot watches, transactions. Its own session is the only one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use coordinator::code;
use coordinator::id::{SessionId, Zxid};
use coordinator::wire::client::{MultiOp, MultiResult, Request, Response, Stat};

use crate::zk::ZkError;

#[derive(Clone, Debug)]
struct Znode {
    data: Bytes,
    version: i32,
    czxid: u64,
}

/// A watch that fired: 1 created, 2 deleted, 3 changed, 4 children.
pub type Fired = (i32, Arc<str>);

#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Znode>,
    zxid: u64,
    data_watches: BTreeSet<String>,
    child_watches: BTreeSet<String>,
    fired: Vec<Fired>,
}

impl Tree {
    pub fn put(&mut self, path: &str, data: &str) {
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.zxid += 1;
        if let Some(node) = self.nodes.get_mut(path) {
            node.data = data;
            node.version += 1;
            self.fire(3, path);
        } else {
            self.nodes.insert(path.into(), Znode { data, version: 0, czxid: self.zxid });
            self.fire(1, path);
            self.fire(4, parent(path));
        }
    }

    pub fn delete(&mut self, path: &str) {
        self.zxid += 1;
        if self.nodes.remove(path).is_some() {
            self.fire(2, path);
            self.fire(4, parent(path));
        }
    }

    pub fn get(&self, path: &str) -> Option<(&str, i32)> {
        let node = self.nodes.get(path)?;
        Some((std::str::from_utf8(&node.data).ok()?, node.version))
    }

    /// All paths below a place.
    pub fn below(&self, place: &str) -> Vec<&str> {
        self.nodes.keys().map(String::as_str).filter(|path| path.starts_with(place)).collect()
    }

    pub fn fired(&mut self) -> Vec<Fired> {
        std::mem::take(&mut self.fired)
    }

    pub fn answer(&mut self, request: &Request) -> Result<Response, ZkError> {
        self.carry_out(request).map_err(ZkError::Refused)
    }

    fn carry_out(&mut self, request: &Request) -> Result<Response, i32> {
        match request {
            Request::Exists { path, watch } => {
                self.watch(path, *watch);
                Ok(Response::Stat(self.stat(path)?))
            }
            Request::GetData { path, watch } => {
                let stat = self.stat(path)?;
                self.watch(path, *watch);
                let data = self.nodes.get(&**path).map(|node| node.data.clone());
                Ok(Response::Data { data, stat })
            }
            Request::GetChildren2 { path, watch } => {
                if *watch {
                    self.child_watches.insert(path.to_string());
                }
                let names = self.nodes.keys().filter(|name| parent(name) == &**path);
                let children =
                    names.filter_map(|name| Some(name.rsplit_once('/')?.1.into())).collect();
                Ok(Response::Children2 { children, stat: stat(0, 0) })
            }
            Request::Multi(operations) => {
                let before = self.clone();
                let mut results = Vec::new();
                for operation in operations {
                    match self.operate(operation) {
                        Ok(result) => results.push(result),
                        Err(code) => {
                            *self = before;
                            return Err(code);
                        }
                    }
                }
                Ok(Response::Multi(results))
            }
            Request::Create { path, data, acl, flags } => {
                let (path, data) = (path.clone(), data.clone());
                let operation = MultiOp::Create { path, data, acl: acl.clone(), flags: *flags };
                self.operate(&operation)?;
                Ok(Response::Empty)
            }
            Request::Delete { path, version } => {
                self.operate(&MultiOp::Delete { path: path.clone(), version: *version })?;
                Ok(Response::Empty)
            }
            Request::SetData { path, data, version } => {
                let (path, data) = (path.clone(), data.clone());
                match self.operate(&MultiOp::SetData { path, data, version: *version })? {
                    MultiResult::SetData { stat } => Ok(Response::Stat(stat)),
                    _ => Err(code::UNIMPLEMENTED),
                }
            }
            _ => Err(code::UNIMPLEMENTED),
        }
    }

    fn operate(&mut self, operation: &MultiOp) -> Result<MultiResult, i32> {
        match operation {
            MultiOp::Create { path, data, .. } => {
                if self.nodes.contains_key(&**path) {
                    return Err(code::NODE_EXISTS);
                }
                self.put(
                    path,
                    std::str::from_utf8(data.as_deref().unwrap_or_default()).expect("text"),
                );
                Ok(MultiResult::Create { path: path.clone() })
            }
            MultiOp::Delete { path, .. } => {
                self.stat(path)?;
                self.delete(path);
                Ok(MultiResult::Delete)
            }
            MultiOp::SetData { path, data, version } => {
                self.expect(path, *version)?;
                self.put(
                    path,
                    std::str::from_utf8(data.as_deref().unwrap_or_default()).expect("text"),
                );
                Ok(MultiResult::SetData { stat: self.stat(path)? })
            }
            MultiOp::Check { path, version } => {
                self.expect(path, *version)?;
                Ok(MultiResult::Check)
            }
            MultiOp::Create2 { .. } => Err(code::UNIMPLEMENTED),
        }
    }

    fn expect(&self, path: &str, version: i32) -> Result<(), i32> {
        let stat = self.stat(path)?;
        if version == -1 || stat.version == version { Ok(()) } else { Err(code::BAD_VERSION) }
    }

    fn stat(&self, path: &str) -> Result<Stat, i32> {
        let node = self.nodes.get(path).ok_or(code::NO_NODE)?;
        Ok(stat(node.czxid, node.version))
    }

    fn watch(&mut self, path: &str, watch: bool) {
        if watch {
            self.data_watches.insert(path.to_owned());
        }
    }

    fn fire(&mut self, kind: i32, path: &str) {
        let watches = if kind == 4 { &mut self.child_watches } else { &mut self.data_watches };
        if watches.remove(path) {
            self.fired.push((kind, path.into()));
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn stat(czxid: u64, version: i32) -> Stat {
    Stat {
        czxid: Zxid(czxid),
        mzxid: Zxid(czxid),
        ctime: 0,
        mtime: 0,
        version,
        cversion: 0,
        aversion: 0,
        ephemeral_owner: SessionId(0),
        data_length: 0,
        num_children: 0,
        pzxid: Zxid(czxid),
    }
}
