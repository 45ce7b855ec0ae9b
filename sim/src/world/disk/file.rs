//! A file's bytes, and how to undo what power loss may take back.

use std::collections::VecDeque;

use bytes::Bytes;
use machine::Chance;

use super::content::Content;

/// Content as the page cache has it.
#[derive(Default)]
pub(super) struct File {
    bytes: Content,
    /// Changes that are not durable, oldest first.
    undo: VecDeque<Undo>,
    /// The beginning that none of them touched.
    sure: usize,
}

struct Undo {
    number: u64,
    change: Change,
}

/// A change with what it destroyed.
enum Change {
    /// The file had this length.
    Appended { from: usize },
    /// There were these bytes, and the file had this length.
    Wrote { offset: usize, before: Bytes, len: usize },
    /// The file went on like this.
    Truncated { to: usize, tail: Bytes },
}

impl Change {
    /// The first byte it touched.
    fn first(&self) -> usize {
        match self {
            Self::Appended { from } => *from,
            Self::Wrote { offset, .. } => *offset,
            Self::Truncated { to, .. } => *to,
        }
    }
}

impl File {
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How much of the beginning power loss would surely leave, where changes up to `durable` are durable.
    pub(super) fn sure_len(&self, durable: u64) -> u64 {
        match self.undo.front() {
            None => self.len(),
            Some(first) if first.number > durable => self.sure as u64,
            Some(_) => {
                let open = self.undo.iter().skip_while(|undo| undo.number <= durable);
                open.map(|undo| undo.change.first() as u64).min().unwrap_or(self.len())
            }
        }
    }

    pub(super) fn read(&self, offset: u64, length: usize) -> Bytes {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(length).min(self.bytes.len());
        self.bytes.read(start..end)
    }

    pub(super) fn append(&mut self, number: u64, bytes: &[u8]) {
        let from = self.bytes.len();
        self.bytes.append(bytes);
        self.remember(number, Change::Appended { from });
    }

    pub(super) fn write(&mut self, number: u64, offset: usize, bytes: &[u8]) {
        let (len, end) = (self.bytes.len(), offset + bytes.len());
        let before = self.bytes.read(offset..end.min(len));
        self.bytes.write(offset, bytes);
        self.remember(number, Change::Wrote { offset, before, len });
    }

    pub(super) fn truncate(&mut self, number: u64, to: usize) {
        let tail = self.bytes.read(to..self.bytes.len());
        self.bytes.truncate(to);
        self.remember(number, Change::Truncated { to, tail });
    }

    fn remember(&mut self, number: u64, change: Change) {
        let first = change.first();
        self.sure = if self.undo.is_empty() { first } else { self.sure.min(first) };
        self.undo.push_back(Undo { number, change });
    }

    /// Changes up to `number` are durable.
    pub(super) fn commit(&mut self, number: u64) {
        if self.undo.front().is_none_or(|undo| undo.number > number) {
            return;
        }
        while self.undo.front().is_some_and(|undo| undo.number <= number) {
            self.undo.pop_front();
        }
        self.sure = self.undo.iter().map(|undo| undo.change.first()).min().unwrap_or(0);
    }

    /// Flips one bit, counted from the beginning.
    pub(super) fn flip(&mut self, bit: u64) {
        self.bytes.flip((bit / 8) as usize, 1 << (bit % 8));
    }

    /// A prefix of the changes survives; the last of them, if it is an append, may be torn.
    pub(super) fn power_loss(&mut self, torn_tail: bool, damage: &mut Chance) {
        if self.undo.is_empty() {
            return;
        }
        let kept = damage.between(0, self.undo.len() as u64) as usize;
        while self.undo.len() > kept {
            let undo = self.undo.pop_back().expect("there are more than are kept");
            self.take_back(undo.change);
        }
        if let Some(Undo { change: Change::Appended { from }, .. }) = self.undo.back()
            && torn_tail
        {
            self.tear(*from, damage);
        }
        self.undo.clear();
    }

    fn take_back(&mut self, change: Change) {
        match change {
            Change::Appended { from } => self.bytes.truncate(from),
            Change::Wrote { offset, before, len } => {
                self.bytes.truncate(len);
                self.bytes.write(offset, &before);
            }
            Change::Truncated { tail, .. } => self.bytes.append(&tail),
        }
    }

    /// The append that began at `from` got only partly to the platter: cut short, or with a hole of
    /// zeros, or whole.
    fn tear(&mut self, from: usize, damage: &mut Chance) {
        let (from, end) = (from as u64, self.bytes.len() as u64);
        if from == end {
            return;
        }
        match damage.below(3) {
            0 => self.bytes.truncate(damage.between(from, end - 1) as usize),
            1 => {
                let start = damage.between(from, end - 1);
                let stop = damage.between(start + 1, end);
                self.bytes.write(start as usize, &vec![0; (stop - start) as usize]);
            }
            _ => {}
        }
    }
}
