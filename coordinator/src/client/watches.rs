//! The watches a client believes to have: kept so that it can set them again on the next server. Paths are full.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::Zxid;
use crate::wire::client::{Request, code};

/// About how many bytes of paths go into one SetWatches (`SET_WATCHES_MAX_LENGTH`).
const BATCH_BYTES: usize = 128 * 1024;

/// Three tables, as `ZKWatchManager` has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    data: BTreeSet<Arc<str>>,
    exist: BTreeSet<Arc<str>>,
    child: BTreeSet<Arc<str>>,
}

impl Watches {
    /// A request was answered with `err`: whatever watch that leaves.
    pub(super) fn answered(&mut self, request: &Request, err: i32) {
        let (table, path) = match (request, err) {
            (
                Request::GetData { path, watch: true } | Request::Exists { path, watch: true },
                code::OK,
            ) => (&mut self.data, path),
            (Request::Exists { path, watch: true }, code::NO_NODE) => (&mut self.exist, path),
            (
                Request::GetChildren { path, watch: true }
                | Request::GetChildren2 { path, watch: true },
                code::OK,
            ) => (&mut self.child, path),
            _ => return,
        };
        table.insert(path.clone());
    }

    /// An event came: the watches it uses up. Whether there were any.
    pub(super) fn fired(&mut self, kind: i32, path: &str) -> bool {
        let (data, child) = match kind {
            1 | 3 => (true, false),
            2 => (true, true),
            4 => (false, true),
            _ => (false, false),
        };
        let mut any = false;
        if data {
            any |= self.data.remove(path);
            any |= self.exist.remove(path);
        }
        if child {
            any |= self.child.remove(path);
        }
        any
    }

    /// The requests that set all of them again, relative to the last transaction seen.
    pub(super) fn set_again(&self, relative_zxid: Zxid) -> Vec<Request> {
        let all = (self.data.iter().map(|path| (0, path)))
            .chain(self.exist.iter().map(|path| (1, path)))
            .chain(self.child.iter().map(|path| (2, path)));
        let mut requests = Vec::new();
        let mut batch: [Vec<Arc<str>>; 3] = Default::default();
        let mut bytes = 0;
        let mut flush = |batch: &mut [Vec<Arc<str>>; 3]| {
            let [data, exist, child] = std::mem::take(batch);
            requests.push(Request::SetWatches { relative_zxid, data, exist, child });
        };
        for (table, path) in all {
            if bytes >= BATCH_BYTES {
                flush(&mut batch);
                bytes = 0;
            }
            bytes += path.len();
            batch[table].push(path.clone());
        }
        if bytes > 0 {
            flush(&mut batch);
        }
        requests
    }

    /// A session's end is the end of its watches.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
