//! The streams of one client: one per broker, dialled with back-off, greeted with ApiVersions; requests in flight on them and
//! their time-outs; metadata asked for whenever it is due (`NetworkClient` of the Java client).
//!
//! ```text
//!           dial                opened               versions known
//!   Down ─────────► Dialling ─────────► Greeting ─────────────────► Ready
//!     ▲                 │ fails            │ fails                    │ fails, a request times out
//!     └─────────────────┴──────────────────┴──────────────────────────┘  50 ms … 1 s pass before the next dial
//! ```
//!
//! What is asked for and what answers mean is the business of whoever owns this part.

mod link;

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;
use machine::{Closed, Conn, Context, Duration, Input, Instant};

use super::metadata::Metadata;
use crate::id::BrokerId;
use crate::mechanism::Preset;
use crate::note::{ClientNote, Failure};
use crate::wire::versions::Versions;
use crate::wire::{self, Api, Request, Response, error};
use link::{InFlight, Link, Phase, What};

/// `reconnect.backoff.ms`: also the pause before looking again for a broker to ask for metadata.
const RECONNECT_BACKOFF: Duration = Duration::from_millis(50);

/// What happened on the network, told to its owner.
#[derive(Debug)]
pub enum Event<T> {
    /// A request was answered.
    Answered {
        /// By whom.
        node: BrokerId,
        /// As the owner named it.
        tag: T,
        /// How.
        response: Response,
    },
    /// A request will not be answered: nobody knows whether it was carried out.
    Lost {
        /// Who had been asked.
        node: BrokerId,
        /// As the owner named it.
        tag: T,
        /// How it was lost.
        why: Failure,
    },
    /// Requests may be sent there.
    Ready,
    /// There is newer metadata.
    Learned,
}

/// What a client's network is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `client.id`
    pub client_id: String,
    /// Whose versions are spoken.
    pub preset: Preset,
    /// `request.timeout.ms`
    pub request_timeout: Duration,
    /// `max.in.flight.requests.per.connection`
    pub in_flight_max: usize,
}

/// All streams of a client. `T` is what its owner wants to remember of a request.
#[derive(Debug)]
pub struct Network<T> {
    settings: Settings,
    versions: Versions,
    /// What is known of the cluster.
    pub metadata: Metadata,
    links: BTreeMap<BrokerId, Link<T>>,
    by_conn: BTreeMap<Conn, BrokerId>,
    correlation: i32,
    /// Whether a question for metadata is under way.
    asking: bool,
    /// No request times out before this.
    timeouts_at: Instant,
    /// When somebody who wanted a broker should look again.
    retry_at: Instant,
}

impl<T> Network<T> {
    /// No stream is open.
    pub fn new(settings: Settings, metadata: Metadata) -> Self {
        Self {
            versions: Versions::of(settings.preset),
            settings,
            metadata,
            links: BTreeMap::new(),
            by_conn: BTreeMap::new(),
            correlation: 0,
            asking: false,
            timeouts_at: Instant::NEVER,
            retry_at: Instant::NEVER,
        }
    }

    /// The version in which requests of this API go to that broker.
    pub fn version(&self, node: BrokerId, api: Api) -> i16 {
        let known = self.links.get(&node).and_then(|link| link.versions.get(&api));
        known.copied().unwrap_or_else(|| self.versions.highest(api))
    }

    /// Whether a request may be sent to that broker now. If there is no stream, one is dialled as soon as the back-off allows.
    pub fn is_ready(&mut self, node: BrokerId, cx: &mut Context<'_, ClientNote>) -> bool {
        let in_flight_max = self.settings.in_flight_max;
        let Some(link) = self.links.get(&node) else {
            self.dial(node, cx);
            return false;
        };
        match link.phase {
            Phase::Ready(conn) => link.in_flight.len() < in_flight_max && !cx.is_full(conn),
            Phase::Dialling(_) | Phase::Greeting(_) => false,
            Phase::Down if link.retry_at <= cx.now() => {
                self.dial(node, cx);
                false
            }
            Phase::Down => {
                self.retry_at = self.retry_at.min(link.retry_at);
                false
            }
        }
    }

    /// Sends a request to a broker that [`Self::is_ready`]. Without a tag no answer is awaited (acks=0).
    pub fn send(
        &mut self,
        node: BrokerId,
        body: &Request,
        tag: Option<T>,
        cx: &mut Context<'_, ClientNote>,
    ) -> i32 {
        let version = self.version(node, body.api());
        self.send_as(node, body, version, tag.map(What::Owners), cx)
    }

    fn send_as(
        &mut self,
        node: BrokerId,
        body: &Request,
        version: i16,
        what: Option<What<T>>,
        cx: &mut Context<'_, ClientNote>,
    ) -> i32 {
        let correlation = self.correlation;
        let Some(link) = self.links.get_mut(&node) else { return correlation };
        let Some(conn) = link.phase.conn() else { return correlation };
        self.correlation = self.correlation.wrapping_add(1);
        cx.send(conn, wire::request_frame(body, version, correlation, &self.settings.client_id));
        let Some(what) = what else { return correlation };
        let expires = cx.now() + self.settings.request_timeout;
        self.timeouts_at = self.timeouts_at.min(expires);
        link.in_flight.push_back(InFlight { correlation, api: body.api(), version, expires, what });
        correlation
    }

    /// Takes any input of the machine; what happened is added to `events`.
    pub fn handle(
        &mut self,
        input: &Input,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<Event<T>>,
    ) {
        if self.retry_at <= cx.now() {
            self.retry_at = Instant::NEVER;
            events.push(Event::Ready);
        }
        match input {
            Input::Opened { conn, .. } => self.greet(*conn, cx),
            Input::Received { conn, bytes } => {
                if let Some(node) = self.by_conn.get(conn).copied() {
                    let link = self.links.get_mut(&node).expect("every stream has its link");
                    link.frames.push(bytes);
                    self.read(node, cx, events);
                }
            }
            Input::Drained { conn } if self.by_conn.contains_key(conn) => events.push(Event::Ready),
            Input::Closed { conn, why } => {
                if let Some(node) = self.by_conn.get(conn).copied() {
                    let why = match why {
                        Closed::TimedOut => Failure::TimedOut,
                        _ => Failure::Disconnected,
                    };
                    self.fail(node, why, cx, events);
                }
            }
            _ => {}
        }
        if self.timeouts_at <= cx.now() {
            self.look_for_timeouts(cx, events);
        }
    }

    /// When it wants to be given an input, whatever that is; [`Instant::NEVER`] if only others can move it.
    pub fn wake_at(&self) -> Instant {
        let ask_at = if self.asking { Instant::NEVER } else { self.metadata.due_at() };
        // While nobody can be asked, `retry_at` says when that may change; it is never later than the next look.
        let ask_at = if self.retry_at == Instant::NEVER { ask_at } else { Instant::NEVER };
        self.timeouts_at.min(self.retry_at).min(ask_at)
    }

    /// Asks for metadata if that is due and somebody can be asked. To be called when an input has been dealt with.
    pub fn refresh(&mut self, cx: &mut Context<'_, ClientNote>) {
        if self.asking || self.metadata.due_at() > cx.now() {
            return;
        }
        let Some(node) = self.least_loaded(cx) else {
            self.retry_at = self.retry_at.min(cx.now() + RECONNECT_BACKOFF);
            return;
        };
        if self.is_ready(node, cx) {
            self.asking = true;
            let request = self.metadata.request().into();
            let version = self.version(node, Api::Metadata);
            self.send_as(node, &request, version, Some(What::Metadata), cx);
        } else {
            self.retry_at = self.retry_at.min(cx.now() + RECONNECT_BACKOFF);
        }
    }

    /// Of all brokers the one to be asked what any broker knows: first one that is ready and idle, then ready, then being
    /// dialled, then one that may be dialled; beginning anywhere (`NetworkClient.leastLoadedNode`).
    pub fn least_loaded(&self, cx: &mut Context<'_, ClientNote>) -> Option<BrokerId> {
        let brokers = self.metadata.brokers();
        let offset = cx.chance("least loaded node").below(brokers.len().max(1) as u64) as usize;
        let around = brokers.keys().skip(offset).chain(brokers.keys().take(offset));
        let now = cx.now();
        let rank = |node: &BrokerId| match self.links.get(node) {
            None => (2, 0),
            Some(link) => match link.phase {
                Phase::Ready(conn) => {
                    let room = link.in_flight.len() < self.settings.in_flight_max;
                    if room && !cx.is_full(conn) { (0, link.in_flight.len()) } else { (3, 0) }
                }
                Phase::Dialling(_) | Phase::Greeting(_) => (1, 0),
                Phase::Down if link.retry_at <= now => (2, 0),
                Phase::Down => (3, 0),
            },
        };
        let best = around.map(|node| (rank(node), *node)).min_by_key(|(rank, _)| *rank);
        best.filter(|(rank, _)| rank.0 < 3).map(|(_, node)| node)
    }

    fn dial(&mut self, node: BrokerId, cx: &mut Context<'_, ClientNote>) {
        let Some(address) = self.metadata.brokers().get(&node) else { return };
        let conn = cx.dial(address);
        self.by_conn.insert(conn, node);
        self.links.entry(node).or_insert_with(Link::new).dialled(conn);
    }

    /// The first thing said on a stream: which versions are spoken.
    fn greet(&mut self, conn: Conn, cx: &mut Context<'_, ClientNote>) {
        let Some(node) = self.by_conn.get(&conn).copied() else { return };
        let link = self.links.get_mut(&node).expect("every stream has its link");
        link.phase = Phase::Greeting(conn);
        let version = self.versions.highest(Api::ApiVersions);
        self.ask_versions(node, version, cx);
    }

    fn ask_versions(&mut self, node: BrokerId, version: i16, cx: &mut Context<'_, ClientNote>) {
        let mut request = m::ApiVersionsRequest::default();
        if version >= 3 {
            request.client_software_name = StrBytes::from_static_str("apache-kafka-java");
            request.client_software_version = StrBytes::from_static_str("2.5.0");
        }
        self.send_as(node, &request.into(), version, Some(What::ApiVersions), cx);
    }

    /// Reads whole answers off a stream. Answers come in the order of requests; anything else ends the stream.
    fn read(
        &mut self,
        node: BrokerId,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<Event<T>>,
    ) {
        loop {
            let Some(link) = self.links.get_mut(&node) else { return };
            let frame = match link.frames.take() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(_) => return self.drop_stream(node, cx, events),
            };
            let expected = link.in_flight.front().map(|asked| asked.correlation);
            if expected.is_none() || wire::correlation(&frame) != expected {
                return self.drop_stream(node, cx, events);
            }
            let asked = link.in_flight.pop_front().expect("there is a front");
            let was_full = link.in_flight.len() + 1 >= self.settings.in_flight_max;
            let Ok(response) = wire::response(frame, asked.api, asked.version) else {
                link.in_flight.push_front(asked);
                return self.drop_stream(node, cx, events);
            };
            match (asked.what, response) {
                (What::Owners(tag), response) => {
                    events.push(Event::Answered { node, tag, response });
                }
                (What::Metadata, Response::Metadata(answer)) => {
                    self.asking = false;
                    if self.metadata.learn(&answer, cx.now()) {
                        events.push(Event::Learned);
                    }
                }
                (What::ApiVersions, Response::ApiVersions(answer)) => {
                    self.greeted(node, asked.version, &answer, cx, events);
                }
                (What::Metadata | What::ApiVersions, _) => {
                    return self.drop_stream(node, cx, events);
                }
            }
            if was_full {
                events.push(Event::Ready);
            }
        }
    }

    fn greeted(
        &mut self,
        node: BrokerId,
        version: i16,
        answer: &m::ApiVersionsResponse,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<Event<T>>,
    ) {
        if answer.error_code == error::UNSUPPORTED_VERSION && version > 0 {
            return self.ask_versions(node, 0, cx);
        }
        if answer.error_code != error::NONE {
            return self.drop_stream(node, cx, events);
        }
        let link = self.links.get_mut(&node).expect("somebody answered on it");
        link.ready(&self.versions, &answer.api_keys);
        events.push(Event::Ready);
    }

    /// Ends a stream that cannot be used any more.
    fn drop_stream(
        &mut self,
        node: BrokerId,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<Event<T>>,
    ) {
        if let Some(conn) = self.links.get(&node).and_then(|link| link.phase.conn()) {
            cx.close(conn);
        }
        self.fail(node, Failure::Disconnected, cx, events);
    }

    /// The stream is gone, and all that was asked on it lost.
    fn fail(
        &mut self,
        node: BrokerId,
        why: Failure,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<Event<T>>,
    ) {
        let Some(link) = self.links.get_mut(&node) else { return };
        if let Some(conn) = link.phase.conn() {
            self.by_conn.remove(&conn);
        }
        let jitter = cx.chance("reconnect back-off").between(800, 1_200);
        let lost = link.lost(cx.now(), jitter);
        self.metadata.want();
        self.lose(node, lost, |_| why, cx.now(), events);
    }

    fn lose(
        &mut self,
        node: BrokerId,
        lost: VecDeque<InFlight<T>>,
        why: impl Fn(&InFlight<T>) -> Failure,
        now: Instant,
        events: &mut Vec<Event<T>>,
    ) {
        events.push(Event::Ready);
        for asked in lost {
            let why = why(&asked);
            match asked.what {
                What::Owners(tag) => events.push(Event::Lost { node, tag, why }),
                What::Metadata => {
                    self.asking = false;
                    self.metadata.failed(now);
                }
                What::ApiVersions => {}
            }
        }
    }

    /// A broker that does not answer within `request.timeout.ms` loses its stream, and with it all requests on it.
    fn look_for_timeouts(&mut self, cx: &mut Context<'_, ClientNote>, events: &mut Vec<Event<T>>) {
        let now = cx.now();
        self.timeouts_at = Instant::NEVER;
        let nodes: Vec<BrokerId> = self.links.keys().copied().collect();
        for node in nodes {
            let link = self.links.get_mut(&node).expect("it was listed just now");
            let Some(front) = link.in_flight.front() else { continue };
            if front.expires > now {
                self.timeouts_at = self.timeouts_at.min(front.expires);
                continue;
            }
            if let Some(conn) = link.phase.conn() {
                self.by_conn.remove(&conn);
                cx.close(conn);
            }
            let jitter = cx.chance("reconnect back-off").between(800, 1_200);
            let lost = link.lost(now, jitter);
            self.metadata.want();
            let late = |asked: &InFlight<T>| match asked.expires <= now {
                true => Failure::TimedOut,
                false => Failure::Disconnected,
            };
            self.lose(node, lost, late, now, events);
        }
    }
}
