//! Control requests on their way: one queue per broker, one request under way in each, sent again until the broker answers or is
//! gone (`ControllerChannelManager`, `RequestSendThread`).
//!
//! So the order per broker is kept, nothing is skipped, and a request may arrive twice. What is sent is decided elsewhere.

use std::collections::{BTreeMap, VecDeque};

use machine::{Conn, Context, Duration, Frames, Input, Instant};

use crate::id::{BrokerId, ControllerEpoch};
use crate::note::Note;
use crate::wire::{self, Request, Response};

/// How long a channel rests after a failure before it connects again.
pub const BACKOFF: Duration = Duration::from_millis(100);

/// The longest response that is read, in bytes.
const RESPONSE_MAX: usize = 100 * 1024 * 1024;

/// A request to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The request.
    pub request: Request,
    /// In which version.
    pub version: i16,
}

/// A broker has answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// Who.
    pub broker: BrokerId,
    /// What it was asked.
    pub request: Request,
    /// What it said.
    pub response: Response,
}

/// The channels of one controller.
#[derive(Debug)]
pub struct Channels {
    epoch: ControllerEpoch,
    client_id: String,
    timeout: Duration,
    channels: BTreeMap<BrokerId, Channel>,
    conns: BTreeMap<Conn, BrokerId>,
}

#[derive(Debug)]
struct Channel {
    address: String,
    queue: VecDeque<Item>,
    link: Link,
    correlation: i32,
}

/// ```text
/// Down ──► Dialling ──► Idle ◄──► Waiting
///             │           │          │
///             └───────► Resting ◄────┘   (100 ms, then dialled again if there is something to send)
/// ```
#[derive(Debug)]
enum Link {
    Down,
    Dialling { conn: Conn, until: Instant },
    Idle { conn: Conn, frames: Frames },
    Waiting { conn: Conn, frames: Frames, correlation: i32, until: Instant },
    Resting { until: Instant },
}

impl Link {
    fn conn(&self) -> Option<Conn> {
        match self {
            Self::Dialling { conn, .. } | Self::Idle { conn, .. } | Self::Waiting { conn, .. } => {
                Some(*conn)
            }
            Self::Down | Self::Resting { .. } => None,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Dialling { until, .. }
            | Self::Waiting { until, .. }
            | Self::Resting { until } => Some(*until),
            Self::Down | Self::Idle { .. } => None,
        }
    }
}

impl Channels {
    /// No channel yet. Requests are sent by `controller` in the name of `epoch`; what takes longer than `timeout` is sent again.
    pub fn new(controller: BrokerId, epoch: ControllerEpoch, timeout: Duration) -> Self {
        let client_id = controller.to_string();
        Self { epoch, client_id, timeout, channels: BTreeMap::new(), conns: BTreeMap::new() }
    }

    /// Whether this stream is one of these channels.
    pub fn owns(&self, conn: Conn) -> bool {
        self.conns.contains_key(&conn)
    }

    /// The earliest deadline.
    pub fn wake_at(&self) -> Option<Instant> {
        self.channels.values().filter_map(|channel| channel.link.deadline()).min()
    }

    /// A broker can be spoken to at `address`. Nothing is dialled before there is something to say.
    pub fn add(&mut self, broker: BrokerId, address: String) {
        let channel = Channel { address, queue: VecDeque::new(), link: Link::Down, correlation: 0 };
        self.channels.insert(broker, channel);
    }

    /// A broker is gone, and what it was to be told with it.
    pub fn remove(&mut self, broker: BrokerId, cx: &mut Context<'_, Note>) {
        let Some(channel) = self.channels.remove(&broker) else { return };
        if let Some(conn) = channel.link.conn() {
            self.conns.remove(&conn);
            cx.close(conn);
        }
    }

    /// All channels are closed.
    pub fn close(&mut self, cx: &mut Context<'_, Note>) {
        for conn in std::mem::take(&mut self.conns).into_keys() {
            cx.close(conn);
        }
        self.channels.clear();
    }

    /// Puts a request into a broker's queue.
    pub fn send(&mut self, broker: BrokerId, item: Item, cx: &mut Context<'_, Note>) {
        let Some(channel) = self.channels.get_mut(&broker) else { return };
        channel.queue.push_back(item);
        self.go_on(broker, cx);
    }

    /// Takes an input that is its own: streams it owns, and time.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, Note>,
        answered: &mut Vec<Answered>,
    ) {
        match input {
            Input::Opened { conn, .. } => self.opened(*conn, cx),
            Input::Received { conn, bytes } => {
                let Some(broker) = self.conns.get(conn).copied() else { return };
                if let Some(channel) = self.channels.get_mut(&broker)
                    && let Link::Idle { frames, .. } | Link::Waiting { frames, .. } =
                        &mut channel.link
                {
                    frames.push(bytes);
                }
                self.read(broker, cx, answered);
            }
            Input::Closed { conn, .. } => {
                let Some(broker) = self.conns.remove(conn) else { return };
                self.rest(broker, cx);
            }
            Input::Woke => self.woke(cx),
            _ => {}
        }
    }

    fn opened(&mut self, conn: Conn, cx: &mut Context<'_, Note>) {
        let Some(broker) = self.conns.get(&conn).copied() else { return };
        if let Some(channel) = self.channels.get_mut(&broker) {
            channel.link = Link::Idle { conn, frames: Frames::new(RESPONSE_MAX) };
        }
        self.go_on(broker, cx);
    }

    fn woke(&mut self, cx: &mut Context<'_, Note>) {
        let now = cx.now();
        let late = |channel: &Channel| channel.link.deadline().is_some_and(|until| until <= now);
        let late: Vec<_> =
            self.channels.iter().filter(|(_, one)| late(one)).map(|(id, _)| *id).collect();
        for broker in late {
            let Some(channel) = self.channels.get_mut(&broker) else { continue };
            match channel.link.conn() {
                Some(conn) => {
                    self.conns.remove(&conn);
                    cx.abort(conn);
                    self.rest(broker, cx);
                }
                None => {
                    channel.link = Link::Down;
                    self.go_on(broker, cx);
                }
            }
        }
    }

    /// The stream is gone: what was under way will be sent again after a rest.
    fn rest(&mut self, broker: BrokerId, cx: &mut Context<'_, Note>) {
        let Some(channel) = self.channels.get_mut(&broker) else { return };
        channel.link = match channel.queue.is_empty() {
            true => Link::Down,
            false => Link::Resting { until: cx.now() + BACKOFF },
        };
    }

    /// Dials, or sends the first request of the queue, if it is time for either.
    fn go_on(&mut self, broker: BrokerId, cx: &mut Context<'_, Note>) {
        let Some(channel) = self.channels.get_mut(&broker) else { return };
        let Some(item) = channel.queue.front() else { return };
        let until = cx.now() + self.timeout;
        channel.link = match std::mem::replace(&mut channel.link, Link::Down) {
            Link::Down => {
                let conn = cx.dial(&channel.address);
                self.conns.insert(conn, broker);
                Link::Dialling { conn, until }
            }
            Link::Idle { conn, frames } => {
                let correlation = channel.correlation;
                channel.correlation = correlation.wrapping_add(1);
                let frame =
                    wire::request_frame(&item.request, item.version, correlation, &self.client_id);
                let what = item.request.api().name();
                cx.note(Note::ControlSent { to: broker, controller_epoch: self.epoch, what });
                cx.send(conn, frame);
                Link::Waiting { conn, frames, correlation, until }
            }
            busy => busy,
        };
    }

    /// Reads the answer to what is under way, and sends what comes after it. Anything else ends the stream.
    fn read(&mut self, broker: BrokerId, cx: &mut Context<'_, Note>, answered: &mut Vec<Answered>) {
        let Some(channel) = self.channels.get_mut(&broker) else { return };
        let frame = match &mut channel.link {
            Link::Idle { frames, .. } | Link::Waiting { frames, .. } => frames.take(),
            _ => return,
        };
        if matches!(frame, Ok(None)) {
            return;
        }
        match (frame, std::mem::replace(&mut channel.link, Link::Down)) {
            (Ok(Some(frame)), Link::Waiting { conn, frames, correlation, .. })
                if wire::correlation(&frame) == Some(correlation) =>
            {
                channel.link = Link::Idle { conn, frames };
                let item = channel.queue.front().expect("what is under way is the first");
                match wire::response(frame, item.request.api(), item.version) {
                    Ok(response) => {
                        let item = channel.queue.pop_front().expect("it was there just now");
                        answered.push(Answered { broker, request: item.request, response });
                        self.go_on(broker, cx);
                    }
                    Err(_) => self.hang_up(broker, conn, cx),
                }
            }
            (_, Link::Waiting { conn, .. } | Link::Idle { conn, .. }) => {
                self.hang_up(broker, conn, cx);
            }
            (_, link) => channel.link = link,
        }
    }

    fn hang_up(&mut self, broker: BrokerId, conn: Conn, cx: &mut Context<'_, Note>) {
        self.conns.remove(&conn);
        cx.abort(conn);
        self.rest(broker, cx);
    }
}
