//! Watches one znode, whether it exists or not, and watches again after every event.

use std::sync::Arc;

use super::{Job, Next};
use crate::id::SessionId;
use crate::wire::client::{Request, Response, code};

pub(super) struct Watcher {
    path: Arc<str>,
    children: bool,
    /// Whether a watch stands that tells of the znode itself.
    node_armed: bool,
    /// Whether one stands that tells of its children; also where there is no znode to have any.
    children_armed: bool,
    /// How to look at the znode next.
    look: Step,
    /// What was asked last.
    asked: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Data,
    Exists,
    Children,
}

impl Watcher {
    pub fn new(path: Arc<str>, children: bool) -> Self {
        let (look, asked) = (Step::Data, Step::Data);
        Self { path, children, node_armed: false, children_armed: !children, look, asked }
    }

    fn disarm(&mut self) {
        self.node_armed = false;
        self.children_armed = !self.children;
        self.look = Step::Data;
    }
}

impl Job for Watcher {
    fn ask(&mut self) -> Request {
        let path = self.path.clone();
        self.asked = if self.node_armed { Step::Children } else { self.look };
        match self.asked {
            Step::Data => Request::GetData { path, watch: true },
            Step::Exists => Request::Exists { path, watch: true },
            Step::Children => Request::GetChildren2 { path, watch: true },
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, _session: SessionId) -> Next {
        match (self.asked, answer) {
            (Step::Data, Err(code::NO_NODE)) => {
                self.look = Step::Exists;
                return Next::AtOnce;
            }
            // A watch on what is not there tells when it comes; the children are looked at then.
            (Step::Exists, Err(code::NO_NODE)) => {
                self.node_armed = true;
                self.children_armed = true;
            }
            (Step::Data | Step::Exists, Ok(_)) => self.node_armed = true,
            (Step::Children, Ok(_) | Err(code::NO_NODE)) => self.children_armed = true,
            (_, Err(_)) => return Next::Interval,
        }
        self.look = Step::Data;
        if self.node_armed && self.children_armed { Next::Event } else { Next::AtOnce }
    }

    fn expired(&mut self) {
        self.disarm();
    }

    fn watched(&mut self, kind: i32, path: &str) -> bool {
        if path != &*self.path {
            return false;
        }
        match kind {
            3 => self.node_armed = false,
            4 => self.children_armed = false,
            _ => self.disarm(),
        }
        true
    }
}
