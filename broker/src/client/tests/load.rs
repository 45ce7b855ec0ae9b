//! The load's batches are batches, and all different.

use std::collections::BTreeSet;

use crate::client::accumulator::Portion;
use crate::client::load::Load;
use crate::wire::batch;

#[test]
fn patched_batches_are_whole_and_their_values_tell_them_apart() {
    for (records, bytes) in [(1, 100), (10, 100), (3, 14), (200, 13), (2, 5), (70, 200)] {
        let mut load = Load::new(records, bytes, "1600000000000000 p1");
        let mut values = BTreeSet::new();
        for number in [0, 1, 7, 99_999] {
            let (batch, crc) = load.batch(number, 1_600_000_000_123);
            assert!(batch::is_whole(&batch), "{records} records of {bytes} bytes");
            let header = batch::Header::read(&batch).expect("it is a batch");
            assert_eq!((header.crc, header.count), (crc, records as i32));
            for (_, record) in batch::records(&batch).expect("it is not compressed") {
                let value = record.value.expect("it has a value");
                assert_eq!(value.len(), bytes as usize);
                assert_eq!(record.timestamp, 1_600_000_000_123);
                assert!(bytes < 8 || values.insert(value), "a value came twice");
            }
        }
    }
}

#[test]
fn values_begin_with_their_number_and_say_whose_they_are() {
    let (batch, _) = Load::new(2, 40, "1600000000000000 p1").batch(21, 0);
    let records = batch::records(&batch).expect("it is not compressed");
    let text = |place: usize| {
        String::from_utf8(records[place].1.value.clone().unwrap_or_default().to_vec())
    };
    assert_eq!(text(0).as_deref(), Ok("000000000042.1600000000000000 p1........"));
    assert_eq!(text(1).as_deref(), Ok("000000000043.1600000000000000 p1........"));
}

#[test]
fn gathered_portions_make_one_batch_within_its_size() {
    let load = Load::new(10, 100, "1600000000000000 p1");
    let fit = load.portions_in(16_384);
    let portions: Vec<Portion> = (0..fit as u64)
        .map(|index| Portion { number: 3 * index, wall_ms: 1_600_000_000_000 + 15 * index as i64 })
        .collect();
    let (bytes, crc) = load.batch_of(&portions);
    assert!(bytes.len() <= 16_384 && bytes.len() > 14_000, "{fit} portions, {} bytes", bytes.len());
    assert!(batch::is_whole(&bytes));
    let header = batch::Header::read(&bytes).expect("it is a batch");
    assert_eq!((header.crc, header.count), (crc, 10 * fit as i32));
    let values: BTreeSet<_> = batch::records(&bytes)
        .expect("it is not compressed")
        .into_iter()
        .map(|(_, record)| record.value)
        .collect();
    assert_eq!(values.len(), 10 * fit);
}
