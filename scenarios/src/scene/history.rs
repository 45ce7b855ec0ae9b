//! The transactions one server holds, in the order of their zxids, with a fingerprint of every beginning of it.
//!
//! Two histories agree up to a transaction if and only if their fingerprints there are equal, so comparing them costs a
//! look-up and never a walk.

use std::ops::Deref;
use std::sync::Arc;

use coordinator::id::Zxid;

/// One transaction in a server's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub zxid: Zxid,
    /// Its digest.
    pub digest: u64,
    /// The log file it is in and the file's length with it; `None` if only memory or a snapshot holds it.
    pub place: Option<(Arc<str>, u64)>,
    /// A fingerprint of this transaction and all before it.
    pub chain: u64,
}

/// A server's transactions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Vec<Entry>);

impl Deref for History {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.0
    }
}

impl History {
    /// The last transaction.
    pub fn newest(&self) -> Zxid {
        self.0.last().map_or(Zxid::ZERO, |entry| entry.zxid)
    }

    /// The entry of a transaction, if it is there.
    pub fn entry(&self, zxid: Zxid) -> Option<&Entry> {
        let place = self.0.binary_search_by_key(&zxid, |entry| entry.zxid).ok()?;
        self.0.get(place)
    }

    /// The fingerprint of everything up to and including `zxid`; 0 for nothing.
    pub fn chain_at(&self, zxid: Zxid) -> u64 {
        let end = self.0.partition_point(|entry| entry.zxid <= zxid);
        self.0[..end].last().map_or(0, |entry| entry.chain)
    }

    /// Puts a transaction where it belongs. The place in which it was logged first is kept.
    pub fn put(&mut self, zxid: Zxid, digest: u64, place: Option<(Arc<str>, u64)>) {
        let at = self.0.partition_point(|entry| entry.zxid < zxid);
        match self.0.get_mut(at) {
            Some(there) if there.zxid == zxid && there.digest == digest => {
                if there.place.is_none() {
                    there.place = place;
                }
                return;
            }
            Some(there) if there.zxid == zxid => (there.digest, there.place) = (digest, place),
            _ => self.0.insert(at, Entry { zxid, digest, place, chain: 0 }),
        }
        let mut chain = at.checked_sub(1).map_or(0, |before| self.0[before].chain);
        for entry in &mut self.0[at..] {
            chain = link(chain, entry.zxid, entry.digest);
            entry.chain = chain;
        }
    }

    /// Takes away everything behind `to`, and hands it out.
    pub fn cut(&mut self, to: Zxid) -> Vec<Entry> {
        let end = self.0.partition_point(|entry| entry.zxid <= to);
        self.0.split_off(end)
    }

    /// Everything up to and including `zxid`.
    pub fn up_to(&self, zxid: Zxid) -> Self {
        let end = self.0.partition_point(|entry| entry.zxid <= zxid);
        Self(self.0[..end].to_vec())
    }

    /// Everything up to and including `zxid`, as another server gets it in a snapshot: in no log of its own.
    pub fn in_snapshot(&self, zxid: Zxid) -> Self {
        let Self(mut entries) = self.up_to(zxid);
        entries.iter_mut().for_each(|entry| entry.place = None);
        Self(entries)
    }
}

/// The fingerprint of a history that goes on with one more transaction.
pub fn link(chain: u64, zxid: Zxid, digest: u64) -> u64 {
    let mix = |value: u64| {
        let value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        value ^ (value >> 32)
    };
    mix(mix(mix(chain.wrapping_add(1)) ^ zxid.0) ^ digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(zxids: &[u64]) -> History {
        let mut history = History::default();
        zxids.iter().for_each(|zxid| history.put(Zxid(*zxid), zxid * 7, None));
        history
    }

    #[test]
    fn equal_beginnings_have_equal_fingerprints_however_they_came_about() {
        let (one, other) = (of(&[1, 2, 3, 4]), of(&[4, 2, 1, 3]));
        assert_eq!(one, other, "what comes late is put where it belongs");
        assert_eq!(one.chain_at(Zxid(3)), of(&[1, 2, 3]).chain_at(Zxid(9)));
        assert_ne!(one.chain_at(Zxid(4)), of(&[1, 2, 4]).chain_at(Zxid(4)), "a hole is seen");
        let mut else_where = of(&[1, 2, 3, 4]);
        else_where.put(Zxid(2), 99, None);
        assert_ne!(one.chain_at(Zxid(4)), else_where.chain_at(Zxid(4)), "and other content");
        assert_eq!(one.chain_at(Zxid(1)), else_where.chain_at(Zxid(1)));
    }

    #[test]
    fn a_place_is_kept_once_known() {
        let mut history = of(&[1]);
        history.put(Zxid(1), 7, Some(("log.1".into(), 40)));
        history.put(Zxid(1), 7, Some(("log.2".into(), 90)));
        assert_eq!(history[0].place, Some(("log.1".into(), 40)));
        assert_eq!(history.in_snapshot(Zxid(1))[0].place, None);
    }
}
