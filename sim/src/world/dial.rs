//! Connecting: SYN, answer, and Linux's patience (repeated after 1, 3, 7, 15, 31 and 63 s, given up
//! after 127 s).
//!
//! Both sides learn of a connection when the answer reaches the dialler, one round trip after the
//! SYN that got through; the acceptor is told first. A paused process still accepts (its kernel
//! does), and finds out when it resumes.

use machine::{Closed, Conn, Input, Peer};

use super::core::{Core, Due};
use super::network::Via;
use super::queue::{Cause, EndId, Event};
use super::stream::State;

/// How often a SYN is repeated (`tcp_syn_retries`).
const SYN_RETRIES: u32 = 6;

/// What a connection was dialled with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dial {
    port: u16,
    via: Via,
    began: u64,
    retries: u32,
    cause: Cause,
}

impl Core {
    /// A node dials; the new end is in its table of handles.
    pub(crate) fn dial(&mut self, node: u32, address: &str) -> Conn {
        let host = self.nodes[node as usize].host;
        let found = self.net.resolve(host, address);
        let (to, via, port) = found.unwrap_or((host, Via::Loopback, 0));
        let dial = Dial { port, via, began: self.now, retries: 0, cause: self.step };
        let id = self.streams.add(dial, host, to);
        let conn = self.handle_for(node, id);
        let end = &mut self.streams.ends[id as usize];
        end.state = State::Dialling;
        let generation = end.generation;
        if found.is_some() {
            self.send_syn(id, generation);
        } else {
            let at = self.net.travel(host, host, 0, self.now);
            let why = Closed::UnknownName;
            self.queue.push(at, Event::Failed { end: id, generation, why });
        }
        conn
    }

    /// Gives `end` to `node` under the next handle of its life.
    fn handle_for(&mut self, node: u32, id: EndId) -> Conn {
        let handles = &mut self.nodes[node as usize].handles;
        handles.push(id);
        let conn = handles.len() as u64;
        let end = &mut self.streams.ends[id as usize];
        (end.node, end.conn, end.handle) = (node, conn, true);
        Conn(conn)
    }

    fn send_syn(&mut self, id: EndId, generation: u32) {
        let (from, to) = self.hosts_of(id);
        let dial = self.streams.dials[id as usize / 2];
        let retry = dial.began + ((2 << dial.retries) - 1) * 1_000_000;
        if !self.net.loses(from, to) {
            let at = self.net.travel(from, to, 0, self.now);
            self.queue.push(at, Event::Syn { end: id, generation });
        }
        self.queue.push(retry, Event::SynRetry { end: id, generation });
    }

    fn hosts_of(&self, id: EndId) -> (u32, u32) {
        (self.streams.ends[id as usize].host, self.streams.ends[id as usize ^ 1].host)
    }

    fn is_dialling(&self, id: EndId, generation: u32) -> bool {
        let end = &self.streams.ends[id as usize];
        end.generation == generation && end.state == State::Dialling
    }

    /// The SYN reaches the other host: if it is on, it answers.
    pub(crate) fn syn(&mut self, id: EndId, generation: u32) {
        let (from, to) = self.hosts_of(id);
        if self.is_dialling(id, generation) && self.net.open(from, to) {
            let at = self.net.travel(to, from, 0, self.now);
            self.queue.push(at, Event::SynAnswered { end: id, generation });
        }
    }

    /// The answer reaches the dialler: open on both sides, or refused.
    pub(crate) fn syn_answered(&mut self, id: EndId, generation: u32) -> Option<Due> {
        let (from, to) = self.hosts_of(id);
        if !self.is_dialling(id, generation) || !self.net.open(to, from) {
            return None;
        }
        let Dial { via, port, cause, .. } = self.streams.dials[id as usize / 2];
        let Some((acceptor, listener)) = self.net.listener(to, via, port) else {
            self.streams.ends[id as usize].vanish();
            return self.tell_closed(id, Closed::Refused, cause);
        };
        let from = self.net.source(from, via);
        let conn = self.handle_for(acceptor, id ^ 1);
        self.streams.ends[id as usize ^ 1].state = State::Open;
        let peer = Peer::Accepted { listener, from };
        self.enqueue(acceptor, Input::Opened { conn, peer }, cause);
        let end = &mut self.streams.ends[id as usize];
        end.state = State::Open;
        let (node, conn) = (end.node, Conn(end.conn));
        self.enqueue(node, Input::Opened { conn, peer: Peer::Dialled }, cause);
        self.transmit_all(id);
        None
    }

    /// The dialler repeats its SYN, or gives up.
    pub(crate) fn syn_retry(&mut self, id: EndId, generation: u32) -> Option<Due> {
        if !self.is_dialling(id, generation) {
            return None;
        }
        let dial = &mut self.streams.dials[id as usize / 2];
        dial.retries += 1;
        if dial.retries > SYN_RETRIES {
            return self.dial_failed(id, generation, Closed::TimedOut);
        }
        self.send_syn(id, generation);
        None
    }

    /// The dial ends without a connection.
    pub(crate) fn dial_failed(&mut self, id: EndId, generation: u32, why: Closed) -> Option<Due> {
        if !self.is_dialling(id, generation) {
            return None;
        }
        self.streams.ends[id as usize].vanish();
        let cause = self.streams.dials[id as usize / 2].cause;
        self.tell_closed(id, why, cause)
    }
}
