//! Reads the data of one znode, over and over.

use std::sync::Arc;

use super::{Job, Next};
use crate::id::SessionId;
use crate::wire::client::{Request, Response};

pub(super) struct Reader {
    path: Arc<str>,
    sync: bool,
    /// Whether the sync that goes before this read is done.
    synced: bool,
}

impl Reader {
    pub fn new(path: Arc<str>, sync: bool) -> Self {
        Self { path, sync, synced: false }
    }
}

impl Job for Reader {
    fn ask(&mut self) -> Request {
        if self.sync && !self.synced {
            Request::Sync { path: self.path.clone() }
        } else {
            Request::GetData { path: self.path.clone(), watch: false }
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, _session: SessionId) -> Next {
        let was_sync = self.sync && !self.synced;
        self.synced = was_sync && answer.is_ok();
        if self.synced { Next::AtOnce } else { Next::Interval }
    }

    fn lost(&mut self) {
        self.synced = false;
    }
}
