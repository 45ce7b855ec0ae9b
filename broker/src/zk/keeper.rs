//! Requests to ZooKeeper as Kafka makes them (`KafkaZkClient.retryRequestsUntilConnected`): a request lost with its
//! connection is asked again when there is another, for as long as the session lives. So a write may be carried out twice,
//! and whoever waits for one while ZooKeeper is away waits.

use std::sync::Arc;

use coordinator::client::ConnectString;
use coordinator::id::{SessionId, Zxid};
use coordinator::wire::client::{Request, Response};
use machine::{Conn, Context, Duration, Input, Instant};

use crate::note::Note;

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
    /// The session is gone. A new one is begun at once; `Connected { fresh: true }` follows.
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
    /// The session was closed as asked, or given up.
    Closed,
}

/// The part of a broker that speaks with ZooKeeper.
#[derive(Clone, Debug)]
pub struct Keeper {}

impl Keeper {
    /// For these servers, with that session time-out, and at most `in_flight_max` unanswered requests.
    pub fn new(_connect: ConnectString, _timeout: Duration, _in_flight_max: usize) -> Self {
        unimplemented!()
    }

    /// Begins the first session.
    pub fn start(&mut self, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// Asks; exactly one [`KeeperEvent::Reply`] follows, never within this call.
    pub fn ask(&mut self, _asker: Asker, _request: Request, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// Ends the session: [`KeeperEvent::Closed`] follows.
    pub fn close(&mut self, _cx: &mut Context<'_, Note>) {
        unimplemented!()
    }

    /// Whether this stream is its own.
    pub fn owns(&self, _conn: Conn) -> bool {
        unimplemented!()
    }

    /// Whether it has a session on a live connection.
    pub fn is_connected(&self) -> bool {
        unimplemented!()
    }

    /// The session, `NONE` without one.
    pub fn session(&self) -> SessionId {
        unimplemented!()
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// Takes any input.
    pub fn handle(
        &mut self,
        _input: &Input,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<KeeperEvent>,
    ) {
        unimplemented!()
    }
}
