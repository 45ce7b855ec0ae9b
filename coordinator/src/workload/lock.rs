//! Takes a lock in one of the two usual ways, and believes in it only for as long as the session can be trusted.
//!
//! *Racing*: everybody tries to create the same ephemeral znode; losers watch it. *Queued*: everybody makes an ephemeral
//! sequential znode and watches the one before its own (ZooKeeper's recipe). A client that was cut off gives the lock up
//! when its session may have expired, by its own clock, and looks again when it is back. What the lock protects is not
//! here: a fenced resource would have to compare zxids.

use std::sync::Arc;

use machine::{Context, Instant};

use super::ground::{Ground, create};
use super::{Job, Next};
use crate::client::SessionClient;
use crate::id::SessionId;
use crate::note::ClientNote;
use crate::wire::client::{Request, Response, code};

/// The length of the number a sequential znode gets.
const SUFFIX: usize = 10;

pub(super) struct Lock {
    parent: Ground,
    queued: bool,
    unique: u32,
    /// Counts sessions, so that a znode of an earlier one is never taken for one of this.
    session_count: u64,
    /// The znode this session was seen to hold the lock by.
    mine: Option<Arc<str>>,
    /// The lock this client said it holds.
    said: Option<Arc<str>>,
    /// Queued: this session's place in the queue.
    place: Option<Arc<str>>,
    next: Step,
    asked: Step,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Making the parent.
    Ground,
    /// Making the ephemeral znode.
    Create,
    /// Catching up with the leader: an earlier create may have happened after all.
    Sync,
    /// Who is in the queue.
    List,
    /// Looking at this znode and leaving a watch on it.
    Watch(Arc<str>),
}

impl Lock {
    pub fn racing(path: Arc<str>) -> Self {
        Self::new(path, false)
    }

    pub fn queued(path: Arc<str>) -> Self {
        Self::new(path, true)
    }

    fn new(path: Arc<str>, queued: bool) -> Self {
        let mut lock = Self {
            parent: Ground::new(path),
            queued,
            unique: 0,
            session_count: 0,
            mine: None,
            said: None,
            place: None,
            next: Step::Ground,
            asked: Step::Ground,
        };
        lock.next = lock.look();
        lock
    }

    /// How to find out where this client stands, knowing nothing.
    fn look(&self) -> Step {
        if self.queued { Step::Sync } else { Step::Watch(self.parent.child("lock")) }
    }

    /// The beginning of the name of this session's znode in the queue.
    fn prefix(&self) -> String {
        format!("{:08x}.{}-lock-", self.unique, self.session_count)
    }

    /// Where this client stands in the queue.
    fn line_up(&mut self, mut children: Vec<Arc<str>>) -> Step {
        let number = |name: &Arc<str>| {
            name.len().checked_sub(SUFFIX).and_then(|at| name.get(at..)).map(str::to_owned)
        };
        children.sort_by_cached_key(number);
        let prefix = self.prefix();
        let Some(place) = children.iter().position(|name| name.starts_with(&prefix)) else {
            self.place = None;
            return Step::Create;
        };
        let own = self.parent.child(&children[place]);
        self.place = Some(own.clone());
        match place.checked_sub(1) {
            None => {
                self.mine = Some(own.clone());
                Step::Watch(own)
            }
            Some(before) => Step::Watch(self.parent.child(&children[before])),
        }
    }

    /// The znode looked at is there.
    fn found(&mut self, path: Arc<str>, owner: SessionId, session: SessionId) {
        let is_mine = if self.queued { self.place.as_ref() == Some(&path) } else { true };
        if is_mine && owner == session {
            self.mine = Some(path);
        } else if is_mine {
            self.mine = None;
        }
    }

    /// The znode looked at is not there.
    fn missing(&mut self, path: &Arc<str>) -> Step {
        if self.mine.as_ref() == Some(path) {
            self.mine = None;
        }
        if self.queued { Step::List } else { Step::Create }
    }
}

impl Job for Lock {
    fn named(&mut self, unique: u32) {
        self.unique = unique;
    }

    fn ask(&mut self) -> Request {
        if let Some(request) = self.parent.ask() {
            self.asked = Step::Ground;
            return request;
        }
        self.asked = self.next.clone();
        match &self.next {
            Step::Create if self.queued => {
                create(self.parent.child(&self.prefix()), b"", true, true)
            }
            Step::Ground | Step::Create => create(self.parent.child("lock"), b"", true, false),
            Step::Sync => Request::Sync { path: self.parent.path().clone() },
            Step::List => Request::GetChildren { path: self.parent.path().clone(), watch: false },
            Step::Watch(path) => Request::Exists { path: path.clone(), watch: true },
        }
    }

    fn answered(&mut self, answer: Result<Response, i32>, session: SessionId) -> Next {
        match (self.asked.clone(), answer) {
            (Step::Ground, answer) => {
                self.parent.answered(&answer);
                if !matches!(answer, Ok(_) | Err(code::NODE_EXISTS)) {
                    return Next::Interval;
                }
            }
            (Step::Create, Ok(Response::Create { path })) if !self.queued => {
                self.mine = Some(path.clone());
                self.next = Step::Watch(path);
            }
            (Step::Create, Ok(_)) => self.next = Step::List,
            (Step::Create, Err(code::NODE_EXISTS)) => {
                self.next = self.look();
                return Next::Interval;
            }
            (Step::Sync, Ok(_)) => self.next = Step::List,
            (Step::List, Ok(Response::Children { children })) => {
                self.next = self.line_up(children);
            }
            (Step::Watch(path), Ok(Response::Stat(stat))) => {
                self.found(path, stat.ephemeral_owner, session);
                self.next = self.look();
                return Next::Event;
            }
            (Step::Watch(path), Err(code::NO_NODE)) => self.next = self.missing(&path),
            (_, Err(code::NO_NODE)) => {
                self.parent.gone();
                return Next::Interval;
            }
            _ => {
                self.next = self.look();
                return Next::Interval;
            }
        }
        Next::AtOnce
    }

    fn lost(&mut self) {
        self.next = self.look();
    }

    fn expired(&mut self) {
        self.session_count += 1;
        self.mine = None;
        self.place = None;
        self.next = self.look();
    }

    fn connected(&mut self) -> bool {
        self.next = self.look();
        true
    }

    fn watched(&mut self, kind: i32, path: &str) -> bool {
        if kind == 2 && self.mine.as_deref() == Some(path) {
            self.mine = None;
        }
        self.next = if self.queued { Step::List } else { self.look() };
        true
    }

    fn believe(&mut self, session: &SessionClient, cx: &mut Context<'_, ClientNote>) {
        if session.sure_until().is_none_or(|until| until <= cx.now()) {
            self.mine = None;
        }
        if self.said == self.mine {
            return;
        }
        if let Some(path) = self.said.take() {
            cx.note(ClientNote::Unlocked { path });
        }
        if let Some(path) = self.mine.clone() {
            cx.note(ClientNote::Locked { path: path.clone() });
            self.said = Some(path);
        }
    }

    fn believes_until(&self, session: &SessionClient) -> Option<Instant> {
        self.said.as_ref().and_then(|_| session.sure_until())
    }

    fn holds(&self) -> Option<Arc<str>> {
        self.said.clone()
    }
}
