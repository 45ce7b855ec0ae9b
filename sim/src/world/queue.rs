//! What happens next: events in the order of (time, sequence). Two events of the same microsecond
//! happen in the order in which they were scheduled.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use machine::Closed;

/// One end of a connection: its place in the table of ends. The other end is `id ^ 1`.
pub(crate) type EndId = u32;

/// The step that caused something; 0 for none (a fault, the start).
pub(crate) type Cause = u64;

/// What can be scheduled. Generations, flights and tokens make events stale when what they speak of
/// has changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The first piece of this end's queue reaches the peer's host.
    Arrive { end: EndId, flight: u32 },
    /// This end's retransmission timer expires.
    Retransmit { end: EndId, stall: u32 },
    /// The dialler's SYN reaches the other host.
    Syn { end: EndId, generation: u32 },
    /// The answer to a SYN reaches the dialler.
    SynAnswered { end: EndId, generation: u32 },
    /// The dialler sends its SYN again.
    SynRetry { end: EndId, generation: u32 },
    /// A RST reaches this end.
    Reset { end: EndId, generation: u32, cause: Cause },
    /// The dialler's own host says no.
    Failed { end: EndId, generation: u32, why: Closed },
    /// This end learns that the peer has taken what was queued.
    Drained { end: EndId, generation: u32, cause: Cause },
    /// A node's alarm may be due.
    Wake { node: u32, token: u32 },
    /// A node may take the first input of its inbox.
    Serve { node: u32, token: u32 },
    /// A sync ends.
    SyncDone { node: u32, request: u32 },
}

struct Entry {
    key: u128,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// Reversed: the heap gives the greatest first, we want the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

/// The events to come.
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Entry>,
    sequence: u64,
}

impl Queue {
    /// Schedules `event` for `at` (µs of world time).
    pub(crate) fn push(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        let key = u128::from(at) << 64 | u128::from(self.sequence);
        self.heap.push(Entry { key, event });
    }

    /// When the next event is due.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|entry| (entry.key >> 64) as u64)
    }

    /// Takes the next event if it is due by `limit`.
    pub(crate) fn pop(&mut self, limit: u64) -> Option<(u64, Event)> {
        if self.next_at()? > limit {
            return None;
        }
        self.heap.pop().map(|entry| ((entry.key >> 64) as u64, entry.event))
    }
}
