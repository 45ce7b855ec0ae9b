//! Batches in the order of their offsets: a replica's log, or what is committed, 24 bytes each.
//!
//! Look-ups try the end first, because that is where nearly all of them are; the rest is a binary search.

use broker::id::{LeaderEpoch, Offset};

/// One batch of records. Two batches at the same offset are the same if all their fields but the promises are.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// The offset of its first record.
    pub base: Offset,
    /// How many records.
    pub count: u32,
    /// Its checksum: it stands for the content.
    pub crc: u32,
    /// The leader epoch it was appended in; [`LeaderEpoch::UNKNOWN`] where only its offsets are known.
    pub epoch: LeaderEpoch,
    /// What was promised about it.
    pub promised: Promised,
}

impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        (self.base, self.count, self.crc, self.epoch)
            == (other.base, other.count, other.crc, other.epoch)
    }
}

impl Eq for Batch {}

impl Batch {
    /// The offset of its last record.
    pub fn last(&self) -> Offset {
        Offset(self.base.0 + i64::from(self.count) - 1)
    }

    /// The offset after its last record.
    pub fn next(&self) -> Offset {
        Offset(self.base.0 + i64::from(self.count))
    }

    /// Whether it has the same records at the same offsets, whatever epoch stands in its header: no checksum covers that.
    pub fn has_records_of(&self, other: &Self) -> bool {
        (self.base, self.count, self.crc) == (other.base, other.count, other.crc)
    }

    /// Whether these cannot both be truly at their offsets; what is unknown contradicts nothing.
    pub fn contradicts(&self, other: &Self) -> bool {
        let known = self.epoch != LeaderEpoch::UNKNOWN && other.epoch != LeaderEpoch::UNKNOWN;
        known && self != other
    }
}

/// What a producer was told about a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promised(u8);

impl Promised {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// It is in the leader's log (acks=1).
    pub const ONE: Self = Self(1);
    /// It is in the logs of all in-sync replicas (acks=all).
    pub const ALL: Self = Self(2);
    /// With acks=all, while the leader was the only one in sync.
    pub const ALL_OF_ONE: Self = Self(6);

    /// What an acknowledgement means.
    pub fn by(acks: i16, in_sync: u32) -> Self {
        match (acks, in_sync) {
            (-1, ..=1) => Self::ALL_OF_ONE,
            (-1, _) => Self::ALL,
            (0, _) => Self::NOTHING,
            _ => Self::ONE,
        }
    }

    /// Both promises.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether anything was promised.
    pub fn is_any(self) -> bool {
        self.0 != 0
    }

    /// Whether acks=all was.
    pub fn is_all(self) -> bool {
        self.0 & Self::ALL.0 != 0
    }

    /// Whether acks=all was, by a leader who was alone in the ISR.
    pub fn is_all_of_one(self) -> bool {
        self.0 & Self::ALL_OF_ONE.0 == Self::ALL_OF_ONE.0
    }
}

/// Batches in order, without overlaps.
#[derive(Clone, Debug, Default)]
pub struct Batches {
    list: Vec<Batch>,
    end: Offset,
}

/// How many batches at the end are looked at before searching.
const NEAR: usize = 4;

impl Batches {
    /// None, and the first one goes there.
    pub fn from(start: Offset) -> Self {
        Self { list: Vec::new(), end: start }
    }

    /// The offset after the last batch.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The batch in this place.
    pub fn get(&self, place: usize) -> Option<&Batch> {
        self.list.get(place)
    }

    /// The last one.
    pub fn last(&self) -> Option<&Batch> {
        self.list.last()
    }

    /// All, from this place on.
    pub fn from_place(&self, place: usize) -> &[Batch] {
        self.list.get(place..).unwrap_or_default()
    }

    /// The place of the first batch that ends behind this offset: the one that contains it, if one does.
    pub fn place_of(&self, offset: Offset) -> usize {
        let len = self.list.len();
        for back in 1..=NEAR.min(len) {
            if self.list[len - back].next() <= offset {
                return len - back + 1;
            }
        }
        let far = &self.list[..len - NEAR.min(len)];
        far.partition_point(|batch| batch.next() <= offset)
    }

    /// The batch that contains this offset.
    pub fn at(&self, offset: Offset) -> Option<&Batch> {
        if offset >= self.end {
            return None;
        }
        self.list.get(self.place_of(offset)).filter(|batch| batch.base <= offset)
    }

    /// Whether these very records are there, be it under another epoch.
    pub fn has_records(&self, batch: &Batch) -> bool {
        self.at(batch.base).is_some_and(|there| there.has_records_of(batch))
    }

    /// Remembers a promise about a batch, if it is there.
    pub fn promise(&mut self, batch: &Batch, promised: Promised) -> bool {
        let place = self.place_of(batch.base);
        match self.list.get_mut(place).filter(|there| *there == batch) {
            Some(there) => there.promised = there.promised.and(promised),
            None => return false,
        }
        true
    }

    /// Puts a batch behind the others. One that does not fit there takes the place of what it overlaps.
    pub fn push(&mut self, batch: Batch) {
        if batch.base < self.end {
            self.cut(batch.base);
        }
        self.end = batch.next();
        self.list.push(batch);
    }

    /// Takes away everything from this offset on, and whatever contains it; hands it out.
    pub fn cut(&mut self, to: Offset) -> Vec<Batch> {
        let place = self.place_of(to);
        self.end = self.end.min(to);
        self.list.split_off(place)
    }

    /// Takes away everything from this place on, and hands it out.
    pub fn cut_at(&mut self, place: usize) -> Vec<Batch> {
        let Some(first) = self.list.get(place) else { return Vec::new() };
        self.end = first.base;
        self.list.split_off(place)
    }

    /// Makes it end there, with what nobody knows if it did not reach that far.
    pub fn end_at(&mut self, end: Offset) {
        if end <= self.end {
            self.cut(end);
            self.end = end;
            return;
        }
        let unknown = u32::try_from(end.0 - self.end.0).unwrap_or(u32::MAX);
        let epoch = LeaderEpoch::UNKNOWN;
        let promised = Promised::NOTHING;
        self.push(Batch { base: self.end, count: unknown, crc: 0, epoch, promised });
        self.end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(base: i64, count: u32) -> Batch {
        let epoch = LeaderEpoch(0);
        Batch { base: Offset(base), count, crc: 1, epoch, promised: Promised::NOTHING }
    }

    #[test]
    fn every_offset_finds_its_batch() {
        let mut batches = Batches::from(Offset(3));
        for number in 0..20 {
            batches.push(batch(3 + number * 2, 2));
        }
        for offset in 3..43 {
            let found = batches.at(Offset(offset)).expect("it is inside");
            assert!((found.base.0..=found.last().0).contains(&offset));
        }
        assert_eq!(batches.at(Offset(2)), None);
        assert_eq!(batches.at(Offset(43)), None);
    }

    #[test]
    fn a_cut_hands_out_what_is_gone() {
        let mut batches = Batches::from(Offset(0));
        (0..10).for_each(|number| batches.push(batch(number * 3, 3)));
        assert_eq!(batches.cut(Offset(9)).len(), 7);
        assert_eq!(batches.end(), Offset(9));
        batches.end_at(Offset(12));
        assert_eq!(batches.at(Offset(10)).map(|batch| batch.epoch), Some(LeaderEpoch::UNKNOWN));
        batches.push(batch(12, 1));
        assert_eq!(batches.len(), 5);
    }
}
