//! The world without its machines: takes events from the queue until one of them is an input for
//! somebody.

use machine::{Input, Instant};

use crate::recorder::Fingerprint;

use super::network::Network;
use super::process::{Node, Waiting};
use super::queue::{Cause, Event, Queue};
use super::step::Output;
use super::stream::Streams;

/// An input for a living node, to be handled now.
pub(crate) struct Due {
    pub(crate) node: u32,
    pub(crate) input: Input,
    pub(crate) cause: Cause,
}

/// Everything but the machines.
pub(crate) struct Core {
    pub(crate) seed: u64,
    /// The world's time, µs.
    pub(crate) now: u64,
    /// Inputs handled so far.
    pub(crate) steps: u64,
    /// The step that is being handled; 0 outside of steps.
    pub(crate) step: Cause,
    pub(crate) queue: Queue,
    pub(crate) net: Network,
    pub(crate) streams: Streams,
    pub(crate) nodes: Vec<Node>,
    pub(crate) fingerprint: Fingerprint,
    /// What the machine of this step has done so far.
    pub(crate) outputs: Vec<Output>,
    /// Whether steps show inputs and outputs; if not, only an exit that was the last output.
    pub(crate) lists: bool,
}

impl Core {
    pub(crate) fn new(seed: u64) -> Self {
        let mut fingerprint = Fingerprint::default();
        fingerprint.number(seed);
        fingerprint.fold();
        Self {
            seed,
            now: 0,
            steps: 0,
            step: 0,
            queue: Queue::default(),
            net: Network::new(seed),
            streams: Streams::default(),
            nodes: Vec::new(),
            fingerprint,
            outputs: Vec::new(),
            lists: true,
        }
    }

    /// Lets things happen up to `limit` until one of them is an input somebody handles now.
    #[inline]
    pub(crate) fn next_input(&mut self, limit: u64) -> Option<Due> {
        loop {
            let (at, event) = self.queue.pop(limit)?;
            self.now = at;
            let due = match event {
                Event::Arrive { end, flight } => self.arrive(end, flight),
                Event::Wake { node, token } => self.wake_due(node, token),
                Event::Serve { node, token } => self.serve(node, token),
                Event::SyncDone { node, request } => self.sync_done(node, request),
                Event::Retransmit { end, stall } => self.retransmit(end, stall),
                Event::Syn { end, generation } => {
                    self.syn(end, generation);
                    None
                }
                Event::SynAnswered { end, generation } => self.syn_answered(end, generation),
                Event::SynRetry { end, generation } => self.syn_retry(end, generation),
                Event::Reset { end, generation, cause } => {
                    self.reset_arrives(end, generation, cause)
                }
                Event::Failed { end, generation, why } => self.dial_failed(end, generation, why),
                Event::Drained { end, generation, cause } => self.drained(end, generation, cause),
            };
            if due.is_some() {
                return due;
            }
        }
    }

    /// Gives a node an input now, if it is free to take it; otherwise it waits in the inbox.
    #[inline(always)]
    pub(crate) fn offer(&mut self, node: u32, input: Input, cause: Cause) -> Option<Due> {
        let there = &self.nodes[node as usize];
        if !there.up {
            return None;
        }
        if !there.is_free() {
            self.enqueue(node, input, cause);
            return None;
        }
        self.hand_over(node, Waiting { input, cause, asked: false })
    }

    /// Puts an input into a node's inbox.
    pub(crate) fn enqueue(&mut self, node: u32, input: Input, cause: Cause) {
        self.enqueue_waiting(node, Waiting { input, cause, asked: false });
    }

    pub(crate) fn enqueue_waiting(&mut self, node: u32, waiting: Waiting) {
        if self.nodes[node as usize].up {
            self.nodes[node as usize].inbox.push_back(waiting);
            self.serve_next(node);
        }
    }

    /// Sees to it that the front of the inbox is served after its service time.
    pub(crate) fn serve_next(&mut self, node: u32) {
        let there = &mut self.nodes[node as usize];
        if there.serving || there.paused {
            return;
        }
        let Some(front) = there.inbox.front() else { return };
        let bytes = match &front.input {
            Input::Received { bytes, .. } => bytes.len() as u64,
            _ => 0,
        };
        let at = self.now.saturating_add(there.service_time(bytes));
        there.serving = true;
        let token = there.serve_token;
        self.queue.push(at, Event::Serve { node, token });
    }

    /// A node takes the first input of its inbox that still concerns it.
    fn serve(&mut self, node: u32, token: u32) -> Option<Due> {
        let there = &mut self.nodes[node as usize];
        if there.serve_token != token {
            return None;
        }
        there.serving = false;
        if there.paused {
            return None;
        }
        let waiting = there.inbox.pop_front()?;
        let due = self.hand_over(node, waiting);
        if due.is_none() {
            self.serve_next(node);
        }
        due
    }

    /// The last look before an input is handled: does it still concern this life of the node?
    #[inline(always)]
    fn hand_over(&mut self, node: u32, waiting: Waiting) -> Option<Due> {
        let Waiting { input, cause, asked } = waiting;
        match &input {
            Input::Received { conn, bytes } => {
                let (id, len) = (self.nodes[node as usize].end(conn.0)?, bytes.len());
                self.handed(id, len);
            }
            Input::Opened { conn, .. } | Input::Drained { conn } => {
                self.nodes[node as usize].end(conn.0)?;
            }
            Input::Closed { conn, .. } => {
                let id = self.nodes[node as usize].take_end(conn.0)?;
                self.forget(id);
            }
            Input::Woke if !asked => {
                let there = &mut self.nodes[node as usize];
                there.woke_waits = false;
                let due = there.alarm.is_some_and(|alarm| alarm <= there.clock.now(self.now));
                if !due {
                    self.schedule_wake(node);
                    return None;
                }
            }
            _ => {}
        }
        Some(Due { node, input, cause })
    }
}

/// Alarms.
impl Core {
    /// A node said when it wants to be woken.
    #[inline]
    pub(crate) fn set_alarm(&mut self, node: u32, alarm: Option<Instant>) {
        let there = &mut self.nodes[node as usize];
        if there.alarm != alarm {
            there.alarm = alarm;
            there.alarm_cause = self.step;
        }
        self.schedule_wake(node);
    }

    /// Keeps one wake event per node, never later than the alarm; an event that comes too early
    /// schedules the next one. A wake comes at least 1 µs after it was asked for, so that time
    /// always moves.
    #[inline]
    pub(crate) fn schedule_wake(&mut self, node: u32) {
        let there = &mut self.nodes[node as usize];
        let Some(alarm) = there.alarm else { return };
        if there.woke_waits || alarm == Instant::NEVER {
            return;
        }
        let at = there.clock.world_time(alarm).max(self.now + 1);
        if there.wake_scheduled <= at {
            return;
        }
        there.wake_token = there.wake_token.wrapping_add(1);
        there.wake_scheduled = at;
        let token = there.wake_token;
        self.queue.push(at, Event::Wake { node, token });
    }

    fn wake_due(&mut self, node: u32, token: u32) -> Option<Due> {
        let there = &mut self.nodes[node as usize];
        if there.wake_token != token {
            return None;
        }
        there.wake_scheduled = u64::MAX;
        let alarm = there.alarm?;
        if alarm > there.clock.now(self.now) {
            self.schedule_wake(node);
            return None;
        }
        there.woke_waits = true;
        let cause = there.alarm_cause;
        self.offer(node, Input::Woke, cause)
    }
}
