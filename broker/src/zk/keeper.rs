//! Requests to ZooKeeper as Kafka makes them (`KafkaZkClient.retryRequestsUntilConnected`): a request lost with its
//! connection is asked again when there is another, for as long as the session lives. So a write may be carried out twice,
//! and whoever waits for one while ZooKeeper is away waits.

use std::collections::VecDeque;
use std::sync::Arc;

use coordinator::client::{ClientError, ConnectString, SessionClient, SessionEvent};
use coordinator::id::{SessionId, Zxid};
use coordinator::wire::client::{Request, Response};
use machine::{Conn, Context, Duration, Input, Instant};

use crate::note::Note;

#[cfg(test)]
mod tests;

/// Whose request it is; the number is the asker's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// The broker's start, registration and end.
    Lifecycle(u64),
    /// The controller and its election.
    Controller(u64),
    /// Changes of an ISR.
    Replicas(u64),
    /// Requests of clients that read or write ZooKeeper.
    Admin(u64),
    /// Settings of topics.
    Topics(u64),
}

/// Why a request has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZkError {
    /// ZooKeeper said no, with one of [`coordinator::code`].
    Refused(i32),
    /// The session is gone; nothing is repeated in the next one.
    SessionExpired,
}

/// What the broker is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeeperEvent {
    /// There is a session on a live connection.
    Connected {
        /// The session.
        session: SessionId,
        /// Whether it is a new one.
        fresh: bool,
    },
    /// The connection is gone, the session may live.
    Disconnected,
    /// The session is gone. What was asked in it ends with [`ZkError::SessionExpired`] right after this. A new session is
    /// begun at once; `Connected { fresh: true }` follows, and what is asked meanwhile waits for it.
    Expired,
    /// A request ended. Replies come in the order of the requests.
    Reply {
        /// Whose.
        asker: Asker,
        /// From the reply's header.
        zxid: Zxid,
        /// How.
        result: Result<Response, ZkError>,
    },
    /// A watch fired, and is used up.
    Watched {
        /// 1 created, 2 deleted, 3 data changed, 4 children changed.
        kind: i32,
        /// The path, below the chroot.
        path: Arc<str>,
    },
    /// The session was closed as asked, or given up. What was still asked ended before this.
    Closed,
}

/// One request, kept until it is answered: it may have to be asked again.
#[derive(Clone, Debug)]
struct Ask {
    asker: Asker,
    request: Request,
}

/// The part of a broker that speaks with ZooKeeper.
///
/// ```text
///   ask ──► asked ──────────────────────────────► Reply (oldest first)
///           └ the first `sent` of them are with the server; a lost connection makes `sent` 0
/// ```
#[derive(Clone, Debug)]
pub struct Keeper {
    session: SessionClient,
    in_flight_max: usize,
    /// Oldest first.
    asked: VecDeque<Ask>,
    /// How many of them, from the oldest, the session client has.
    sent: usize,
    /// Whether the session was ended for good: since when, for those that still ask.
    ended: Option<Instant>,
    heard: Vec<SessionEvent>,
}

impl Keeper {
    /// For these servers, with that session time-out, and at most `in_flight_max` unanswered requests.
    pub fn new(connect: ConnectString, timeout: Duration, in_flight_max: usize) -> Self {
        Self {
            session: SessionClient::new(connect, timeout),
            in_flight_max: in_flight_max.max(1),
            asked: VecDeque::new(),
            sent: 0,
            ended: None,
            heard: Vec::new(),
        }
    }

    /// Begins the first session.
    pub fn start(&mut self, cx: &mut Context<'_, Note>) {
        self.ended = None;
        cx.part("zk", Note::Session, |cx| self.session.start(cx));
    }

    /// Asks; exactly one [`KeeperEvent::Reply`] follows, never within this call.
    pub fn ask(&mut self, asker: Asker, request: Request, cx: &mut Context<'_, Note>) {
        self.asked.push_back(Ask { asker, request });
        self.send(cx);
    }

    /// Ends the session: [`KeeperEvent::Closed`] follows. Nothing that is asked from now on is sent.
    pub fn close(&mut self, cx: &mut Context<'_, Note>) {
        self.ended = Some(cx.now());
        cx.part("zk", Note::Session, |cx| self.session.close(cx));
    }

    /// Whether this stream is its own.
    pub fn owns(&self, conn: Conn) -> bool {
        self.session.owns(conn)
    }

    /// Whether it has a session on a live connection.
    pub fn is_connected(&self) -> bool {
        self.session.is_connected()
    }

    /// The session, `NONE` without one.
    pub fn session(&self) -> SessionId {
        self.session.session()
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        match self.ended {
            Some(at) if !self.asked.is_empty() && self.sent == 0 => Some(at),
            _ => self.session.wake_at(),
        }
    }

    /// Takes any input.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let mut heard = std::mem::take(&mut self.heard);
        cx.part("zk", Note::Session, |cx| self.session.handle(input, cx, &mut heard));
        for event in heard.drain(..) {
            self.hear(event, cx, events);
        }
        self.heard = heard;
        if self.ended.is_some() && !self.is_connected() {
            self.fail_all(events);
        }
        self.send(cx);
    }

    fn hear(
        &mut self,
        event: SessionEvent,
        cx: &mut Context<'_, Note>,
        events: &mut Vec<KeeperEvent>,
    ) {
        match event {
            SessionEvent::Connected { session, fresh, .. } => {
                events.push(KeeperEvent::Connected { session, fresh });
            }
            SessionEvent::Disconnected => events.push(KeeperEvent::Disconnected),
            SessionEvent::Expired => {
                events.push(KeeperEvent::Expired);
                self.fail_all(events);
                cx.part("zk", Note::Session, |cx| self.session.start(cx));
            }
            SessionEvent::Watched { kind, path } => {
                events.push(KeeperEvent::Watched { kind, path });
            }
            SessionEvent::Closed => {
                self.fail_all(events);
                events.push(KeeperEvent::Closed);
            }
            SessionEvent::Reply { zxid, result, .. } => self.replied(zxid, result, events),
        }
    }

    /// What the session client has is answered oldest first, or lost all together.
    fn replied(
        &mut self,
        zxid: Zxid,
        result: Result<Response, ClientError>,
        events: &mut Vec<KeeperEvent>,
    ) {
        let result = match result {
            Ok(response) => Ok(response),
            Err(ClientError::Refused(code)) => Err(ZkError::Refused(code)),
            Err(ClientError::ConnectionLoss) => {
                self.sent = 0;
                return;
            }
            // All that was asked in the session has failed already, with its end.
            Err(ClientError::SessionExpired) => return,
        };
        assert!(self.sent > 0, "an answer belongs to a request that was sent");
        self.sent -= 1;
        let Ask { asker, .. } = self.asked.pop_front().expect("what is sent is also asked");
        events.push(KeeperEvent::Reply { asker, zxid, result });
    }

    fn fail_all(&mut self, events: &mut Vec<KeeperEvent>) {
        self.sent = 0;
        events.extend(self.asked.drain(..).map(|ask| KeeperEvent::Reply {
            asker: ask.asker,
            zxid: Zxid::ZERO,
            result: Err(ZkError::SessionExpired),
        }));
    }

    /// Gives the session client what it may have. It only gets requests that it can send at once.
    fn send(&mut self, cx: &mut Context<'_, Note>) {
        if self.sent == self.asked.len() || self.ended.is_some() || !self.is_connected() {
            return;
        }
        while self.sent < self.asked.len().min(self.in_flight_max) {
            let request = self.asked[self.sent].request.clone();
            self.sent += 1;
            cx.part("zk", Note::Session, |cx| self.session.request(0, request, cx));
        }
    }
}
