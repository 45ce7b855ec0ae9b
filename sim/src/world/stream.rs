//! Byte streams with the manners of TCP on Linux.
//!
//! A direction of a connection is a queue of pieces; the front ones are on the wire, and an event
//! stands for each of them. Delivery always takes the front, so a stream is FIFO by construction.
//! Over a cut nothing is refused and nothing is reported: pieces are lost, stay in the queue and
//! are sent again when the retransmission timer expires (200 ms after the piece was sent, then
//! doubling up to 120 s), so after healing a stream resumes at its next retransmission, not at
//! once. The sixteenth expiry (924.6 s after the first loss) gives up.
//!
//! A direction makes progress only if data *and* acknowledgements get through. If only the way back
//! is cut, what is sent within the first time-out arrives; then the front is repeated, which brings
//! it if it was lost and otherwise nothing new, and all behind it waits for a repetition that is
//! acknowledged. Fast retransmission is left out: it would need data behind the loss, and shortens
//! only cuts below 200 ms.
//!
//! ```text
//!   Dialling ──answered──► Open ──close()──► Closing ──FIN delivered──► Gone
//!      └───────refused, timed out, abort(), RST, FIN from the peer, death ─┘
//! ```
//!
//! A host that is on but has no such connection answers a piece with RST; a RST itself is never
//! repeated. `Closing` is a socket without an owner: its host sends the rest. Data that reaches it
//! are answered with RST, as Linux does.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use machine::{Closed, Conn, Context, Input};

use super::core::{Core, Due};
use super::dial::Dial;
use super::network::{RTO, RTO_MAX};
use super::queue::{Cause, EndId, Event};

/// The expiry of the retransmission timer at which Linux gives up (`tcp_retries2` = 15
/// repetitions).
const EXPIRIES_MAX: u32 = 16;
/// How long a zero-window probe waits when the news that there is room again was lost, µs.
const PROBE: u64 = 1_000_000;
const FULL: usize = Context::<'static, ()>::FULL;

/// What an end of a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// No such socket.
    #[default]
    Gone,
    /// SYN sent.
    Dialling,
    /// Established.
    Open,
    /// Closed by its process; the host sends what is left and a FIN.
    Closing,
}

/// A piece of a stream; the empty one is the FIN.
struct Piece {
    bytes: Bytes,
    sent_at: u64,
    cause: Cause,
}

struct Stall {
    expiries: u32,
    /// Data were lost, not only acknowledgements.
    lost: bool,
}

/// One end of a connection and the direction that leaves it.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) node: u32,
    pub(crate) host: u32,
    pub(crate) conn: u64,
    pub(crate) state: State,
    /// The machine has not been told that the stream is no more, nor has it closed it.
    pub(crate) handle: bool,
    /// Counts the connections that had this place.
    pub(crate) generation: u32,
    queue: VecDeque<Piece>,
    on_wire: usize,
    /// Counts the times the wire was swept empty: events of older flights are stale.
    flight: u32,
    pub(crate) last_arrival: u64,
    /// Bytes sent and not yet handed to the peer's machine.
    pub(crate) queued: usize,
    /// Bytes that wait in the own node's inbox.
    pub(crate) unread: usize,
    full: bool,
    stall: Option<Stall>,
    stall_token: u32,
}

impl End {
    fn may_transmit(&self) -> bool {
        let held = self.stall.as_ref().is_some_and(|stall| stall.lost || stall.expiries > 0);
        matches!(self.state, State::Open | State::Closing) && !held
    }

    /// The socket goes without a word. What is on the wire stays on the wire.
    pub(crate) fn vanish(&mut self) {
        self.state = State::Gone;
        self.queue.truncate(self.on_wire);
        self.stall = None;
    }
}

/// All connections: ends `2i` and `2i + 1` belong together.
#[derive(Default)]
pub(crate) struct Streams {
    pub(crate) ends: Vec<End>,
    pub(crate) dials: Vec<Dial>,
    free: Vec<EndId>,
}

impl Streams {
    /// A new connection; its even end (the dialler's) is returned, both ends are blank but for the
    /// hosts.
    pub(crate) fn add(&mut self, dial: Dial, from: u32, to: u32) -> EndId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.ends.extend([End::default(), End::default()]);
            self.dials.push(dial);
            self.ends.len() as u32 - 2
        });
        self.dials[id as usize / 2] = dial;
        self.ends[id as usize].host = from;
        self.ends[id as usize ^ 1].host = to;
        id
    }

    /// Gives the place back if nobody needs it any more.
    pub(crate) fn release(&mut self, id: EndId) {
        let first = (id & !1) as usize;
        let done = |end: &End| end.state == State::Gone && !end.handle && end.queue.is_empty();
        if !self.ends[first..first + 2].iter().all(done) {
            return;
        }
        for end in &mut self.ends[first..first + 2] {
            let queue = std::mem::take(&mut end.queue);
            *end = End {
                queue,
                generation: end.generation.wrapping_add(1),
                flight: end.flight.wrapping_add(1),
                stall_token: end.stall_token.wrapping_add(1),
                ..End::default()
            };
        }
        self.free.push(first as u32);
    }
}

/// What machines do to streams.
impl Core {
    pub(crate) fn send(&mut self, id: EndId, mut bytes: Bytes) {
        let (sent_at, cause) = (self.now, self.step);
        let to = self.streams.ends[id as usize ^ 1].host;
        let end = &mut self.streams.ends[id as usize];
        if !matches!(end.state, State::Open | State::Dialling) {
            return;
        }
        end.queued += bytes.len();
        end.full |= end.queued > FULL;
        while !bytes.is_empty() {
            let end = &mut self.streams.ends[id as usize];
            let whole = self.net.piece(end.host, to, bytes.len());
            let piece = if whole == bytes.len() {
                std::mem::take(&mut bytes)
            } else {
                bytes.split_to(whole)
            };
            end.queue.push_back(Piece { bytes: piece, sent_at, cause });
            if end.may_transmit() {
                self.transmit(id);
            }
        }
    }

    /// Close: what is queued and then a FIN; but a RST if something was not read, as Linux does.
    pub(crate) fn close(&mut self, id: EndId) {
        let (sent_at, cause) = (self.now, self.step);
        let end = &mut self.streams.ends[id as usize];
        if end.state == State::Open && end.unread > 0 {
            return self.abort(id, cause);
        }
        end.handle = false;
        match end.state {
            State::Open => {
                end.state = State::Closing;
                end.queue.push_back(Piece { bytes: Bytes::new(), sent_at, cause });
                if end.may_transmit() {
                    self.transmit(id);
                }
            }
            State::Dialling => self.vanish(id),
            State::Gone | State::Closing => self.streams.release(id),
        }
    }

    /// Abort: the queue is dropped and a RST follows what is on the wire.
    pub(crate) fn abort(&mut self, id: EndId, cause: Cause) {
        self.streams.ends[id as usize].handle = false;
        self.reset(id, cause);
    }

    /// The socket goes without a packet: power loss, or a dial nobody waits for.
    pub(crate) fn vanish(&mut self, id: EndId) {
        self.streams.ends[id as usize].vanish();
        self.streams.release(id);
    }

    fn reset(&mut self, id: EndId, cause: Cause) {
        if matches!(self.streams.ends[id as usize].state, State::Open | State::Closing) {
            self.send_reset(id, cause);
        }
        self.vanish(id);
    }

    /// A RST leaves the host of `id` for the peer.
    fn send_reset(&mut self, id: EndId, cause: Cause) {
        let (end, peer) = (&self.streams.ends[id as usize], &self.streams.ends[id as usize ^ 1]);
        let (generation, after) = (peer.generation, end.last_arrival);
        let at = self.net.travel(end.host, peer.host, 0, self.now).max(after);
        self.queue.push(at, Event::Reset { end: id ^ 1, generation, cause });
    }

    /// Puts the next piece of the queue on the wire.
    fn transmit(&mut self, id: EndId) {
        let to = self.streams.ends[id as usize ^ 1].host;
        let end = &mut self.streams.ends[id as usize];
        let piece = &mut end.queue[end.on_wire];
        piece.sent_at = self.now;
        let at = self.net.travel(end.host, to, piece.bytes.len(), self.now).max(end.last_arrival);
        end.last_arrival = at;
        end.on_wire += 1;
        let flight = end.flight;
        self.queue.push(at, Event::Arrive { end: id, flight });
    }

    pub(crate) fn transmit_all(&mut self, id: EndId) {
        while self.streams.ends[id as usize].on_wire < self.streams.ends[id as usize].queue.len() {
            self.transmit(id);
        }
    }
}

/// What the network does to streams.
impl Core {
    /// The front piece of `id`'s queue reaches the peer's host.
    #[inline(always)]
    pub(crate) fn arrive(&mut self, id: EndId, flight: u32) -> Option<Due> {
        let to = self.streams.ends[id as usize ^ 1].host;
        let end = &mut self.streams.ends[id as usize];
        if end.flight != flight {
            return None;
        }
        let from = end.host;
        if !self.net.open(from, to) {
            self.lost(id);
            return None;
        }
        if !self.net.open(to, from) && end.state != State::Gone {
            // It arrives, but the acknowledgement does not.
            self.stall(id, false);
        }
        let end = &mut self.streams.ends[id as usize];
        end.on_wire -= 1;
        let piece = end.queue.pop_front().expect("an event stands for every piece on the wire");
        if piece.bytes.is_empty() {
            return self.ended(id, piece.cause);
        }
        self.received(id, piece)
    }

    #[inline(always)]
    fn received(&mut self, id: EndId, piece: Piece) -> Option<Due> {
        let Piece { mut bytes, cause, .. } = piece;
        let from = self.streams.ends[id as usize].host;
        let peer = &mut self.streams.ends[id as usize ^ 1];
        match peer.state {
            State::Open => {
                let (node, conn) = (peer.node, Conn(peer.conn));
                peer.unread += bytes.len();
                if let Some(bit) = self.net.tampered_bit(from, peer.host, bytes.len()) {
                    let mut changed = BytesMut::from(&bytes[..]);
                    changed[bit / 8] ^= 1 << (bit % 8);
                    bytes = changed.freeze();
                }
                self.offer(node, Input::Received { conn, bytes }, cause)
            }
            State::Closing => {
                self.reset(id ^ 1, cause);
                self.streams.release(id);
                None
            }
            State::Gone | State::Dialling => {
                if self.streams.ends[id as usize].state != State::Gone {
                    self.send_reset(id ^ 1, cause);
                }
                self.streams.release(id);
                None
            }
        }
    }

    /// A FIN arrives: both ends are done.
    fn ended(&mut self, id: EndId, cause: Cause) -> Option<Due> {
        self.streams.ends[id as usize].vanish();
        let peer = &mut self.streams.ends[id as usize ^ 1];
        if peer.state != State::Open {
            self.streams.release(id);
            return None;
        }
        peer.vanish();
        self.tell_closed(id ^ 1, Closed::Ended, cause)
    }

    /// A RST arrives at `id`.
    pub(crate) fn reset_arrives(
        &mut self,
        id: EndId,
        generation: u32,
        cause: Cause,
    ) -> Option<Due> {
        let (to, from) =
            (self.streams.ends[id as usize].host, self.streams.ends[id as usize ^ 1].host);
        let end = &mut self.streams.ends[id as usize];
        let known = matches!(end.state, State::Open | State::Closing);
        if end.generation != generation || !known || !self.net.open(from, to) {
            return None;
        }
        end.vanish();
        self.tell_closed(id, Closed::Reset, cause)
    }

    /// Hands `Closed` to the owner of a handle, if there is one.
    pub(crate) fn tell_closed(&mut self, id: EndId, why: Closed, cause: Cause) -> Option<Due> {
        let end = &self.streams.ends[id as usize];
        if !end.handle {
            self.streams.release(id);
            return None;
        }
        let (node, conn) = (end.node, Conn(end.conn));
        self.offer(node, Input::Closed { conn, why }, cause)
    }

    /// All that is on the wire is lost; the pieces stay queued.
    fn lost(&mut self, id: EndId) {
        let end = &mut self.streams.ends[id as usize];
        end.flight = end.flight.wrapping_add(1);
        end.on_wire = 0;
        if end.state == State::Gone {
            end.queue.clear();
            self.streams.release(id);
        } else {
            self.stall(id, true);
        }
    }

    /// The retransmission timer runs from the moment the front piece was sent.
    fn stall(&mut self, id: EndId, lost: bool) {
        let end = &mut self.streams.ends[id as usize];
        if let Some(stall) = &mut end.stall {
            stall.lost |= lost;
            return;
        }
        let sent_at = end.queue.front().map_or(self.now, |piece| piece.sent_at);
        end.stall = Some(Stall { expiries: 0, lost });
        end.stall_token = end.stall_token.wrapping_add(1);
        let event = Event::Retransmit { end: id, stall: end.stall_token };
        self.queue.push((sent_at + RTO).max(self.now), event);
    }

    /// The retransmission timer expires.
    pub(crate) fn retransmit(&mut self, id: EndId, token: u32) -> Option<Due> {
        let to = self.streams.ends[id as usize ^ 1].host;
        let end = &mut self.streams.ends[id as usize];
        if end.stall_token != token {
            return None;
        }
        let stall = end.stall.as_mut()?;
        stall.expiries += 1;
        if stall.expiries == EXPIRIES_MAX {
            end.flight = end.flight.wrapping_add(1);
            end.on_wire = 0;
            end.vanish();
            return self.tell_closed(id, Closed::TimedOut, 0);
        }
        let wait = (RTO << stall.expiries.min(10)).min(RTO_MAX);
        let (there, back) = (self.net.open(end.host, to), self.net.open(to, end.host));
        if there && back {
            end.stall = None;
            self.transmit_all(id);
            return None;
        }
        // With the way back cut, a repetition brings the piece that was lost, and after that only
        // what is there already.
        if there && stall.lost && end.on_wire == 0 && !end.queue.is_empty() {
            stall.lost = false;
            self.transmit(id);
        }
        self.queue.push(self.now + wait, Event::Retransmit { end: id, stall: token });
        None
    }
}

/// Backpressure.
impl Core {
    /// The machine of `id` is handed `len` bytes: they no longer count at the peer.
    #[inline]
    pub(crate) fn handed(&mut self, id: EndId, len: usize) {
        let end = &mut self.streams.ends[id as usize];
        end.unread = end.unread.saturating_sub(len);
        let from = end.host;
        let peer = &mut self.streams.ends[id as usize ^ 1];
        peer.queued = peer.queued.saturating_sub(len);
        if peer.full && peer.queued <= FULL / 2 {
            peer.full = false;
            let (to, generation) = (peer.host, peer.generation);
            let at = self.net.travel(from, to, 0, self.now);
            // The step that is about to begin has the next number.
            let cause = self.steps + 1;
            self.queue.push(at, Event::Drained { end: id ^ 1, generation, cause });
        }
    }

    /// The news that there is room again reaches `id`, or is lost and asked for again.
    pub(crate) fn drained(&mut self, id: EndId, generation: u32, cause: Cause) -> Option<Due> {
        let (end, peer) = (&self.streams.ends[id as usize], &self.streams.ends[id as usize ^ 1]);
        if end.generation != generation || end.state != State::Open || !end.handle {
            return None;
        }
        if !self.net.open(peer.host, end.host) {
            self.queue.push(self.now + PROBE, Event::Drained { end: id, generation, cause });
            return None;
        }
        let (node, conn) = (end.node, Conn(end.conn));
        self.offer(node, Input::Drained { conn }, cause)
    }
}
