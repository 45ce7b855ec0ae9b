//! What a broker does besides serving: its start, its registration, its topic settings, its news for the controller, and
//! its end. Each is a small plan that says what to ask ZooKeeper next and takes the reply; [`crate::node`] carries it out.
//!
//! ```text
//!   chroot ─► top-level znodes ─► cluster id ─► settings ─► logs ─► listeners ─► registration ─► producer ids ─► serving
//!                                                                      ▲ new session │
//!   serving ─► controlled shutdown ─► connections closed ─► logs closed ─► session closed ─► exit 0
//! ```

pub mod cluster_id;
pub mod controlled_shutdown;
pub mod isr_news;
pub mod paths;
pub mod producer_ids;
pub mod registration;
pub mod settings;

use std::sync::Arc;

use coordinator::wire::client::{Request, code};

use crate::zk::ZkError;

/// How a plan goes on after a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// This is to be asked next.
    Ask(Request),
    /// It is done.
    Done(T),
    /// It cannot be done, and why.
    Failed(String),
}

/// Reads a znode.
pub fn get(path: impl Into<Arc<str>>) -> Request {
    Request::GetData { path: path.into(), watch: false }
}

/// An error of ZooKeeper in words.
pub fn in_words(path: &str, error: ZkError) -> String {
    match error {
        ZkError::Refused(error) => format!("{} for {path}", code::meaning(error)),
        ZkError::SessionExpired => format!("session expired for {path}"),
    }
}
