//! The kernel's own write-back: what nobody syncs gets to the platter once it is [`DIRTY_EXPIRE`] old, looked for every
//! [`INTERVAL`] (Linux: `dirty_expire_centisecs`, `dirty_writeback_centisecs`).

use std::collections::VecDeque;

use machine::Duration;

/// How old a change must be before the kernel writes it back by itself.
const DIRTY_EXPIRE: Duration = Duration::from_secs(30);
/// How often the kernel looks for such changes.
const INTERVAL: Duration = Duration::from_secs(5);

/// How many changes there had been by each look.
#[derive(Default)]
pub(super) struct WriteBack {
    last_look: u64,
    /// Looks with the number of the last change before the next one, oldest first.
    dirty: VecDeque<(u64, u64)>,
}

impl WriteBack {
    /// Looks, if it is time to; `number` is that of the last change. Whether it did.
    pub(super) fn look(&mut self, now_micros: u64, number: u64) -> bool {
        let look = now_micros / INTERVAL.as_micros();
        if look == self.last_look {
            return false;
        }
        self.dirty.push_back((self.last_look, number));
        self.last_look = look;
        true
    }

    /// The number of the last change that is old enough to be written back, if there is a new one.
    pub(super) fn take_old(&mut self) -> Option<u64> {
        let is_old = |look: u64| {
            let waited = INTERVAL.as_micros() * self.last_look.saturating_sub(look + 1);
            waited >= DIRTY_EXPIRE.as_micros()
        };
        let old = self.dirty.iter().take_while(|(look, _)| is_old(*look)).count();
        self.dirty.drain(..old).next_back().map(|(_, number)| number)
    }

    /// Nothing is dirty any more.
    pub(super) fn clear(&mut self) {
        self.dirty.clear();
    }
}
