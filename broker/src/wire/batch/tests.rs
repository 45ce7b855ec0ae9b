//! Batches byte for byte as brokers keep them, and whatever bytes come instead.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{HEADER, Header, Record, build, is_whole, records, split, stamp};
use crate::id::{LeaderEpoch, Offset};

/// Three keyed records in one batch, as a console producer of 2.3 sent them.
const THREE: &str = "0000000000000000 0000005b 00000000 02 f7ebe25a 0000 00000002 000001a1fb01a86e \
    000001a1fb01a874 ffffffffffffffff ffff ffffffff 00000003 \
    1a000000046b310a68656c6c6f00 1a000c02046b320a776f726c6400 1a000c04046b330a6b61666b6100";

fn bytes_of(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("hexadecimal digits are text");
        u8::from_str_radix(text, 16).expect("pairs of hexadecimal digits")
    };
    digits.chunks(2).map(pair).collect()
}

fn keyed(timestamp: i64, key: &'static str, value: &'static str) -> Record {
    Record { timestamp, key: Some(Bytes::from(key)), value: Some(Bytes::from(value)) }
}

#[test]
fn a_batch_is_built_as_the_producer_of_kafka_builds_it() {
    let start = 1_795_212_552_302;
    let three = [
        keyed(start, "k1", "hello"),
        keyed(start + 6, "k2", "world"),
        keyed(start + 6, "k3", "kafka"),
    ];
    let mut batch = BytesMut::from(&build(&three)[..]);
    stamp(&mut batch, Offset(0), LeaderEpoch(0));
    let batch = batch.freeze();
    assert_eq!(batch.len(), 103);
    assert_eq!(batch, bytes_of(THREE));
    assert!(is_whole(&batch));
    let offsets = [Offset(0), Offset(1), Offset(2)];
    let expected: Vec<_> = offsets.into_iter().zip(three).collect();
    assert_eq!(records(&batch), Ok(expected));
}

#[test]
fn one_record_without_a_key_makes_seventy_bytes() {
    let record = Record { timestamp: 7, key: None, value: Some(Bytes::from_static(b"m0")) };
    let batch = build(std::slice::from_ref(&record));
    assert_eq!(batch.len(), 70);
    assert_eq!(batch[HEADER..], [0x10, 0, 0, 0, 1, 4, 0x6d, 0x30, 0]);
    assert_eq!(records(&batch), Ok(vec![(Offset(0), record)]));
}

#[test]
fn a_stamp_changes_offsets_and_not_the_checksum() {
    let mut batch = BytesMut::from(&build(&[keyed(1, "a", "b"), keyed(2, "c", "d")])[..]);
    let before = Header::read(&batch).expect("it was built");
    stamp(&mut batch, Offset(41), LeaderEpoch(3));
    let after = Header::read(&batch).expect("it was built");
    assert_eq!(after, Header { base: Offset(41), epoch: LeaderEpoch(3), ..before });
    assert_eq!((after.last(), after.next()), (Offset(42), Offset(43)));
    assert!(is_whole(&batch));
    assert_eq!(after.problem(), None);
}

#[test]
fn a_batch_that_is_cut_off_is_left_out() {
    let first = build(&[keyed(1, "a", "b")]);
    let second = build(&[keyed(2, "c", "d"), keyed(3, "e", "f")]);
    let both = Bytes::from([&first[..], &second[..]].concat());
    for end in first.len()..both.len() {
        let batches = split(&both.slice(..end)).expect("one whole batch and a part of another");
        assert_eq!(batches.len(), 1);
        assert_eq!(batches[0].1, first);
    }
    assert_eq!(split(&both).expect("two batches").len(), 2);
    assert_eq!(split(&Bytes::new()), Ok(vec![]));
}

#[test]
fn a_batch_that_contradicts_itself_is_refused() {
    let batch = build(&[keyed(1, "a", "b")]);
    let with = |place: usize, byte: u8| {
        let mut changed = batch.to_vec();
        changed[place] = byte;
        Bytes::from(changed)
    };
    assert!(split(&with(16, 1)).is_err(), "format 1");
    assert!(split(&with(8, 0xff)).is_err(), "a negative length");
    assert!(!is_whole(&with(69, 1)), "a flipped bit");
    assert!(records(&with(22, 1)).is_err(), "gzip");
    let problem = |bytes: Bytes| Header::read(&bytes).expect("its format is right").problem();
    assert_eq!(problem(with(23, 0xff)), Some("Batch has an invalid offset range"));
    assert_eq!(problem(with(60, 0)), Some("Invalid reported count for record batch"));
    assert!(problem(with(60, 2)).expect("2 is not 1").starts_with("Inconsistent"));
    assert_eq!(problem(with(22, 0x20)), Some("Clients are not allowed to write control records"));
}

fn some_bytes() -> impl Strategy<Value = Option<Bytes>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from))
}

fn some_records() -> impl Strategy<Value = Vec<Record>> {
    let record = (0..1i64 << 42, some_bytes(), some_bytes())
        .prop_map(|(timestamp, key, value)| Record { timestamp, key, value });
    prop::collection::vec(record, 1..80)
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(some in some_records()) {
        let batch = build(&some);
        prop_assert!(is_whole(&batch));
        let header = Header::read(&batch).expect("it was built");
        prop_assert_eq!(header.problem(), None);
        prop_assert_eq!(split(&batch), Ok(vec![(header, batch.clone())]));
        let read = records(&batch).expect("it was built");
        let offsets: Vec<i64> = read.iter().map(|(offset, _)| offset.0).collect();
        prop_assert_eq!(offsets, (0..some.len() as i64).collect::<Vec<_>>());
        prop_assert_eq!(read.into_iter().map(|(_, record)| record).collect::<Vec<_>>(), some);
    }

    #[test]
    fn no_bytes_are_dangerous(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let noise = Bytes::from(noise);
        is_whole(&noise);
        drop(split(&noise));
        drop(records(&noise));
    }

    #[test]
    fn no_change_of_a_batch_is_dangerous(
        some in some_records(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut batch = build(&some).to_vec();
        for (place, byte) in changes {
            let place = place.index(batch.len());
            batch[place] = byte;
        }
        let batch = Bytes::from(batch);
        is_whole(&batch);
        if let Ok(header) = Header::read(&batch) {
            assert!(header.last() <= header.next());
            header.problem();
        }
        drop(split(&batch));
        drop(records(&batch));
    }
}
