//! One number for a whole run: a rolling xxh3 over every step and every fault. It depends on
//! nothing but what happened: not on addresses, the order of a hash map, or how the program was
//! built.

use bytes::Bytes;
use machine::{Closed, DiskError, Input, Peer};
use twox_hash::XxHash3_64;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Longer bytes are hashed by themselves first, so that they need not be copied, and what has
/// gathered stays short: up to 240 bytes xxh3 is at its fastest.
const COPIED: usize = 32;
/// When so much has gathered it is folded at once.
const GATHERED: usize = 16 * 1024;

/// The rolling hash, and what has gathered since it was last folded.
#[derive(Default)]
pub(crate) struct Fingerprint {
    hash: u64,
    gathered: Vec<u8>,
}

impl Fingerprint {
    /// The number for all that was folded so far.
    pub(crate) fn value(&self) -> u64 {
        self.hash
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn number(&mut self, number: u64) {
        self.gathered.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds a small number that says what follows.
    #[inline]
    pub(crate) fn tag(&mut self, tag: u8) {
        self.gathered.push(tag);
    }

    /// Adds bytes and their length.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        if bytes.len() <= COPIED {
            self.gathered.extend_from_slice(bytes);
        } else {
            self.number(XxHash3_64::oneshot(bytes));
        }
        if self.gathered.len() > GATHERED {
            self.fold();
        }
    }

    /// Adds a text and its length.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Rolls what has gathered into the hash.
    #[inline]
    pub(crate) fn fold(&mut self) {
        self.hash = xxh3_64_with_seed(&self.gathered, self.hash);
        self.gathered.clear();
    }

    /// Adds an input.
    #[inline]
    pub(crate) fn input(&mut self, input: &Input) {
        match input {
            Input::Received { conn, bytes } => self.received(conn.0, bytes),
            Input::Woke => self.tag(1),
            Input::Booted => self.tag(2),
            Input::Opened { conn, peer } => {
                self.tag(3);
                self.number(conn.0);
                if let Peer::Accepted { listener, from } = peer {
                    self.text(listener);
                    self.text(from);
                }
            }
            Input::Drained { conn } => {
                self.tag(4);
                self.number(conn.0);
            }
            Input::Closed { conn, why } => {
                self.tag(5);
                self.number(conn.0);
                self.tag(closed(*why));
            }
            Input::Synced { ticket, result } => {
                self.tag(6);
                self.number(ticket.0);
                if let Err(error) = result {
                    self.disk_error(*error);
                }
            }
            Input::Ready { ticket } => {
                self.tag(7);
                self.number(ticket.0);
            }
            Input::Stop => self.tag(8),
        }
    }

    /// Adds why a disk call did not happen.
    pub(crate) fn disk_error(&mut self, error: DiskError) {
        match error {
            DiskError::WouldBlock(ticket) => {
                self.tag(1);
                self.number(ticket.0);
            }
            DiskError::NoSpace => self.tag(2),
            DiskError::Io => self.tag(3),
            DiskError::Corrupt => self.tag(4),
            DiskError::NotFound => self.tag(5),
        }
    }

    /// What arrives was counted when it was sent, and a connection keeps the order: the length says which part it is.
    #[inline]
    fn received(&mut self, conn: u64, bytes: &Bytes) {
        self.tag(0);
        self.number(conn);
        self.number(bytes.len() as u64);
    }
}

fn closed(why: Closed) -> u8 {
    match why {
        Closed::Refused => 1,
        Closed::UnknownName => 2,
        Closed::TimedOut => 3,
        Closed::Reset => 4,
        Closed::Ended => 5,
    }
}
