//! The network side of a broker: accepted connections, one request of each at a time; the request queue; and request
//! handlers (`num.io.threads`), which are permits here.
//!
//! ```text
//!   Reading ──frame──► queue (queued.max.requests) ──permit──► under way ──answer──► Sending ──taken──► Reading
//!      └ queue full: Stalled                                   └ parked: the permit goes back
//! ```
//!
//! Nothing is read from a connection while a request of it is under way: what arrives stays in its buffer, as in a muted
//! channel of Kafka. What a request means is not known here, except for ApiVersions.

mod api_versions;
mod connection;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use machine::{Conn, Context, Input, ListenError, Peer};

use crate::config::{Config, Endpoint};
use crate::mechanism::Preset;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::versions::Versions;
use crate::wire::{Request, Response, response_frame};
use connection::{Connection, Next, NotServed, Stage};

/// What listeners are called towards the host, by their place in `listeners`.
const LISTENERS: [&str; 8] = [
    "listener-0",
    "listener-1",
    "listener-2",
    "listener-3",
    "listener-4",
    "listener-5",
    "listener-6",
    "listener-7",
];

/// A request that has a handler from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Its number, for its answer.
    pub id: RequestId,
    /// The version it is in.
    pub version: i16,
    /// The listener it came in by, as `listeners` names it.
    pub listener: Arc<str>,
    /// What is asked.
    pub body: Request,
}

/// A request between its start and its end.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    conn: Conn,
    version: i16,
    correlation: i32,
    /// Whether it has a handler.
    holds: bool,
}

/// Connections, request queue and handlers.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<(Endpoint, Arc<str>)>,
    frame_max: usize,
    preset: Preset,
    spoken: Versions,
    /// Whether requests are read: not before the broker is registered.
    processing: bool,
    connections: BTreeMap<Conn, Connection>,
    /// Read and not begun, oldest first.
    queue: VecDeque<(Conn, Next)>,
    queue_max: usize,
    /// Connections with something to read and no room in the queue, longest first.
    stalled: VecDeque<Conn>,
    under_way: BTreeMap<RequestId, UnderWay>,
    last_id: u64,
    handlers: u32,
    free: u32,
    /// Whether it was said that no handler is free.
    exhausted: bool,
}

impl Server {
    /// For these listeners; it listens after [`Self::bind`] and reads requests after [`Self::begin`].
    pub fn new(config: &Config) -> Self {
        let named = |endpoint: &Endpoint| (endpoint.clone(), Arc::from(endpoint.name.as_str()));
        Self {
            listeners: config.listeners.iter().map(named).collect(),
            frame_max: config.request_bytes_max,
            preset: config.preset,
            spoken: Versions::of(config.preset),
            processing: false,
            connections: BTreeMap::new(),
            queue: VecDeque::new(),
            queue_max: config.queued_requests_max.max(1),
            stalled: VecDeque::new(),
            under_way: BTreeMap::new(),
            last_id: 0,
            handlers: config.io_threads.max(1),
            free: config.io_threads.max(1),
            exhausted: false,
        }
    }

    /// Opens all listeners. Connections are accepted from now on, their requests wait for [`Self::begin`].
    ///
    /// # Errors
    /// The endpoint that could not be bound, and why.
    pub fn bind(&mut self, cx: &mut Context<'_, Note>) -> Result<(), (Endpoint, ListenError)> {
        assert!(self.listeners.len() <= LISTENERS.len(), "a broker has few listeners");
        for (name, (endpoint, _)) in LISTENERS.iter().zip(&self.listeners) {
            let host = if endpoint.host.is_empty() { "0.0.0.0" } else { &endpoint.host };
            cx.listen(name, &format!("{host}:{}", endpoint.port))
                .map_err(|error| (endpoint.clone(), error))?;
        }
        Ok(())
    }

    /// Requests are read from now on.
    pub fn begin(&mut self, cx: &mut Context<'_, Note>) {
        self.processing = true;
        let waiting: Vec<_> = self.connections.keys().copied().collect();
        for conn in waiting {
            self.read(conn, cx);
        }
    }

    /// Closes listeners and connections; requests that have not begun are dropped, those under way lose their answer.
    pub fn stop(&mut self, cx: &mut Context<'_, Note>) {
        for (name, _) in LISTENERS.iter().zip(&self.listeners) {
            cx.unlisten(name);
        }
        for conn in std::mem::take(&mut self.connections).into_keys() {
            cx.close(conn);
        }
        self.processing = false;
        self.queue.clear();
        self.stalled.clear();
    }

    /// Whether this stream is an accepted connection.
    pub fn owns(&self, conn: Conn) -> bool {
        self.connections.contains_key(&conn)
    }

    /// Takes what happens to accepted connections.
    pub fn handle(&mut self, input: &Input, cx: &mut Context<'_, Note>) {
        match input {
            Input::Opened { conn, peer: Peer::Accepted { listener, .. } } => {
                let Some(index) = LISTENERS.iter().position(|name| name == listener) else {
                    cx.close(*conn);
                    return;
                };
                self.connections.insert(*conn, Connection::new(index, self.frame_max));
            }
            Input::Received { conn, bytes } => {
                let Some(connection) = self.connections.get_mut(conn) else { return };
                connection.frames.push(bytes);
                self.read(*conn, cx);
            }
            Input::Drained { conn } => {
                let Some(connection) = self.connections.get_mut(conn) else { return };
                if connection.stage == Stage::Sending {
                    connection.stage = Stage::Reading;
                    self.read(*conn, cx);
                }
            }
            Input::Closed { conn, .. } => {
                self.connections.remove(conn);
            }
            _ => {}
        }
    }

    /// The next request that gets a handler, if there is one of each.
    pub fn next(&mut self, cx: &mut Context<'_, Note>) -> Option<Incoming> {
        while self.free > 0 {
            let (conn, next) = self.queue.pop_front()?;
            self.read_stalled(cx);
            let Next { version, correlation, body } = next;
            let body = match body {
                Some(Request::ApiVersions(_)) => {
                    let response = api_versions::supported(&self.spoken);
                    self.respond(conn, response_frame(&response, version, correlation), cx);
                    continue;
                }
                None => {
                    let response = api_versions::unsupported(&self.spoken, self.preset);
                    self.respond(conn, response_frame(&response, version, correlation), cx);
                    continue;
                }
                Some(body) => body,
            };
            self.last_id += 1;
            let id = RequestId(self.last_id);
            self.free -= 1;
            self.under_way.insert(id, UnderWay { conn, version, correlation, holds: true });
            let listener = match self.connections.get(&conn) {
                Some(connection) => self.listeners[connection.listener].1.clone(),
                // Its connection is gone; the request is carried out all the same.
                None => Arc::from(""),
            };
            return Some(Incoming { id, version, listener, body });
        }
        None
    }

    /// A request ends with this response.
    pub fn answer(&mut self, id: RequestId, response: &Response, cx: &mut Context<'_, Note>) {
        let Some(UnderWay { conn, version, correlation, .. }) = self.end(id) else { return };
        if self.connections.contains_key(&conn) {
            self.respond(conn, response_frame(response, version, correlation), cx);
        }
    }

    /// A request ends, and nothing is sent (acks=0).
    pub fn no_answer(&mut self, id: RequestId, cx: &mut Context<'_, Note>) {
        let Some(UnderWay { conn, .. }) = self.end(id) else { return };
        if let Some(connection) = self.connections.get_mut(&conn) {
            connection.stage = Stage::Reading;
            self.read(conn, cx);
        }
    }

    /// A request ends, and its connection with it.
    pub fn close_connection(&mut self, id: RequestId, cx: &mut Context<'_, Note>) {
        let Some(UnderWay { conn, .. }) = self.end(id) else { return };
        self.close(conn, cx);
    }

    /// A request waits elsewhere and gives its handler back.
    pub fn parked(&mut self, id: RequestId) {
        if let Some(request) = self.under_way.get_mut(&id)
            && std::mem::take(&mut request.holds)
        {
            self.free += 1;
        }
    }

    /// Whether this request has not ended yet.
    pub fn is_under_way(&self, id: RequestId) -> bool {
        self.under_way.contains_key(&id)
    }

    /// An input has been dealt with: says whether handlers are left for the next one.
    pub fn settle(&mut self, cx: &mut Context<'_, Note>) {
        if self.exhausted == (self.free == 0) {
            return;
        }
        self.exhausted = !self.exhausted;
        cx.note(if self.exhausted {
            Note::HandlersExhausted { of: self.handlers }
        } else {
            Note::HandlersFree
        });
    }

    /// Handlers that are free.
    pub fn free_handlers(&self) -> u32 {
        self.free
    }

    fn end(&mut self, id: RequestId) -> Option<UnderWay> {
        let request = self.under_way.remove(&id)?;
        if request.holds {
            self.free += 1;
        }
        Some(request)
    }

    fn respond(&mut self, conn: Conn, frame: Bytes, cx: &mut Context<'_, Note>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        cx.send(conn, frame);
        if cx.is_full(conn) {
            connection.stage = Stage::Sending;
        } else {
            connection.stage = Stage::Reading;
            self.read(conn, cx);
        }
    }

    /// The next frame of a connection goes into the queue, if it may.
    fn read(&mut self, conn: Conn, cx: &mut Context<'_, Note>) {
        let Some(connection) = self.connections.get_mut(&conn) else { return };
        if !self.processing {
            return;
        }
        match connection.stage {
            Stage::UnderWay | Stage::Sending => return,
            Stage::Reading | Stage::Stalled if self.queue.len() < self.queue_max => {}
            Stage::Reading if connection.frames.pending() > 0 => {
                connection.stage = Stage::Stalled;
                self.stalled.push_back(conn);
                return;
            }
            Stage::Reading | Stage::Stalled => return,
        }
        match connection.next(&self.spoken) {
            Ok(Some(next)) => {
                connection.stage = Stage::UnderWay;
                self.queue.push_back((conn, next));
            }
            Ok(None) => connection.stage = Stage::Reading,
            Err(NotServed) => self.close(conn, cx),
        }
    }

    /// There may be room in the queue again.
    fn read_stalled(&mut self, cx: &mut Context<'_, Note>) {
        while self.queue.len() < self.queue_max
            && let Some(conn) = self.stalled.pop_front()
        {
            self.read(conn, cx);
        }
    }

    fn close(&mut self, conn: Conn, cx: &mut Context<'_, Note>) {
        if self.connections.remove(&conn).is_some() {
            cx.close(conn);
        }
    }
}
