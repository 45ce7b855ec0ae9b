//! The small text files with one line per entry, and how they are replaced again and again.
//!
//! All of them begin with a version and a count. One that cannot be read counts as empty. What their numbers mean is
//! not known here.

use std::fmt::Write as _;

use bytes::Bytes;
use machine::{Context, DiskError, Input, Replace, Stage, Ticket};

use crate::id::{Offset, TopicPartition};
use crate::note::Note;

/// The first line of every checkpoint.
const VERSION: &str = "0";

/// The text of a checkpoint with these lines.
pub(super) fn text(lines: impl ExactSizeIterator<Item = impl std::fmt::Display>) -> Bytes {
    let mut text = head(lines.len());
    for line in lines {
        writeln!(text, "{line}").expect("writing to a string cannot fail");
    }
    text.into()
}

/// The first two lines: version and count.
fn head(count: usize) -> String {
    format!("{VERSION}\n{count}\n")
}

/// The lines of a checkpoint; `None` if the text is none.
pub(super) fn lines<T>(text: &[u8], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut lines = text.lines();
    if lines.next()? != VERSION {
        return None;
    }
    let count: usize = lines.next()?.trim().parse().ok()?;
    let entries: Option<Vec<T>> = lines.map(read).collect();
    entries.filter(|entries| entries.len() == count)
}

/// The text of a checkpoint of offsets: `topic partition offset`. (Thousands of lines every few seconds.)
pub(super) fn offsets_text(offsets: &[(TopicPartition, Offset)]) -> Bytes {
    let mut text = head(offsets.len());
    let mut digits = itoa::Buffer::new();
    for (of, offset) in offsets {
        text.push_str(&of.topic);
        text.push(' ');
        text.push_str(digits.format(of.partition));
        text.push(' ');
        text.push_str(digits.format(offset.0));
        text.push('\n');
    }
    text.into()
}

/// The offsets in a checkpoint; none if it cannot be read.
pub(super) fn offsets(text: &[u8]) -> Vec<(TopicPartition, Offset)> {
    let entry = |line: &str| {
        let mut words = line.split_whitespace();
        let (topic, partition, offset) = (words.next()?, words.next()?, words.next()?);
        let partition = TopicPartition::new(topic, partition.parse().ok()?);
        words.next().is_none().then_some((partition, Offset(offset.parse().ok()?)))
    };
    lines(text, entry).unwrap_or_default()
}

/// A file that is replaced whole, one version after another: while one is on its way, only the newest other waits. `T`
/// is what the content means to the owner.
#[derive(Clone, Debug)]
pub(super) struct Slot<T> {
    path: String,
    running: Option<(Replace, T)>,
    next: Option<(Bytes, T)>,
}

impl<T> Slot<T> {
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), running: None, next: None }
    }

    /// This is to be the content. Goes on with [`Self::advance`].
    pub fn put(&mut self, content: Bytes, meaning: T) {
        self.next = Some((content, meaning));
    }

    /// Whether nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.next.is_none()
    }

    /// What it waits for.
    pub fn ticket(&self) -> Option<Ticket> {
        match self.running.as_ref()?.0.stage() {
            Stage::Blocked(ticket) | Stage::Syncing(ticket) | Stage::SyncingDirectory(ticket) => {
                Some(ticket)
            }
            _ => None,
        }
    }

    /// Goes on as far as the disk lets it, with an input that may be the answer it waits for. What is in place is given
    /// to `done`.
    ///
    /// # Errors
    /// The disk's; then the old content is in place.
    pub fn advance(
        &mut self,
        input: Option<&Input>,
        cx: &mut Context<'_, Note>,
        mut done: impl FnMut(T, &mut Context<'_, Note>),
    ) -> Result<(), DiskError> {
        let mut input = input;
        loop {
            let (mut replace, meaning) = match (self.running.take(), self.next.take()) {
                (Some(running), next) => {
                    self.next = next;
                    running
                }
                (None, Some((content, meaning))) => {
                    (Replace::new(self.path.clone(), content, false), meaning)
                }
                (None, None) => return Ok(()),
            };
            let stage = match input.take() {
                Some(input) => replace.handle(input, cx),
                None => replace.advance(cx),
            };
            match stage {
                Stage::Done => done(meaning, cx),
                Stage::Failed(error) => return Err(error),
                _ => {
                    self.running = Some((replace, meaning));
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_checkpoint_is_lines_of_text() {
        let entries = [
            (TopicPartition::new("t05aall", 0), Offset(18914)),
            (TopicPartition::new("t10", 0), Offset(11)),
        ];
        let text = offsets_text(&entries);
        assert_eq!(text, "0\n2\nt05aall 0 18914\nt10 0 11\n");
        assert_eq!(offsets(&text), entries);
        assert_eq!(offsets_text(&[]), "0\n0\n");
    }

    proptest! {
        #[test]
        fn what_cannot_be_read_is_empty(text in "[ 0-9a-z\n]{0,40}") {
            let count = text.lines().count();
            let read = offsets(text.as_bytes());
            prop_assert!(read.is_empty() || read.len() == count - 2);
        }
    }
}
