//! The shapes against the decoder: messages made from the shapes alone are read by it to the last byte and written again as
//! they were; and the guard refuses what the bytes cannot hold.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

use super::super::versions::highest;
use super::super::{Api, Body, Request, Response};
use super::{Direction, Kind, Row, check, check_tags, shapes};

/// Writes a message of a shape, with random content.
struct Writer<'a> {
    version: i16,
    flexible: bool,
    rng: &'a mut TestRng,
    bytes: BytesMut,
}

impl Writer<'_> {
    fn row(&mut self, row: &Row) {
        for field in row.fields {
            if (field.since..=field.until).contains(&self.version) {
                self.field(field.kind);
            }
        }
        if self.flexible {
            self.bytes.put_u8(0);
        }
    }

    fn field(&mut self, kind: Kind) {
        match kind {
            // Booleans and isolation levels are 0 or 1.
            Kind::Fixed(1) => self.bytes.put_u8((self.rng.next_u32() % 2) as u8),
            Kind::Fixed(size) => self.noise(size),
            Kind::Text => {
                let length = self.some();
                if self.flexible {
                    self.bytes.put_u8(length as u8 + 1);
                } else {
                    self.bytes.put_i16(length as i16);
                }
                self.bytes.put_bytes(b'a', length);
            }
            Kind::Blob => {
                let length = self.count();
                self.noise(length);
            }
            Kind::Numbers(size) => {
                let count = self.count();
                self.noise(count * size);
            }
            Kind::Texts => (0..self.count()).for_each(|_| self.field(Kind::Text)),
            Kind::Rows(row) => (0..self.count()).for_each(|_| self.row(row)),
        }
    }

    fn noise(&mut self, size: usize) {
        for _ in 0..size {
            let byte = self.rng.next_u32() as u8;
            self.bytes.put_u8(byte);
        }
    }

    fn some(&mut self) -> usize {
        (self.rng.next_u32() % 4) as usize
    }

    fn count(&mut self) -> usize {
        let count = self.some();
        if self.flexible {
            self.bytes.put_u8(count as u8 + 1);
        } else {
            self.bytes.put_i32(count as i32);
        }
        count
    }
}

/// A message of a shape.
fn message(direction: Direction, api: Api, version: i16, rng: &mut TestRng) -> Bytes {
    let flexible = api.is_flexible(version);
    let mut writer = Writer { version, flexible, rng, bytes: BytesMut::new() };
    writer.row(shapes::of(direction, api));
    writer.bytes.freeze()
}

/// Every API in every version, both ways.
fn all() -> impl Iterator<Item = (Direction, Api, i16)> {
    Api::ALL.iter().flat_map(|api| {
        (0..=highest(*api).1).flat_map(|version| {
            [Direction::Request, Direction::Response].map(|way| (way, *api, version))
        })
    })
}

/// Reads and writes again: what was left over, and what was written.
fn through<B: Body>(api: Api, bytes: &Bytes, version: i16) -> (usize, Bytes) {
    let mut left = bytes.clone();
    let body = B::decode(api, &mut left, version).expect("the guard has let it through");
    let mut again = Vec::new();
    body.encode(&mut again, version).expect("it was just read in this version");
    (left.remaining(), again.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shapes_are_those_of_the_decoder(seed in any::<[u8; 32]>(), more in 0usize..3) {
        let mut rng = TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &seed);
        for (direction, api, version) in all() {
            let message = message(direction, api, version, &mut rng);
            let length = message.len();
            let bytes = Bytes::from([&message[..], &vec![0; more][..]].concat());
            prop_assert_eq!(check(&bytes, direction, api, version), Ok(length));
            let (left, again) = match direction {
                Direction::Request => through::<Request>(api, &bytes, version),
                Direction::Response => through::<Response>(api, &bytes, version),
            };
            prop_assert_eq!(left, more, "{:?} {:?} {}", direction, api, version);
            prop_assert_eq!(again, message, "{:?} {:?} {}", direction, api, version);
        }
    }

    #[test]
    fn what_is_cut_off_is_refused(seed in any::<[u8; 32]>(), cut in any::<prop::sample::Index>()) {
        let mut rng = TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &seed);
        for (direction, api, version) in all() {
            let message = message(direction, api, version, &mut rng);
            if !message.is_empty() {
                let part = message.slice(..cut.index(message.len()));
                prop_assert!(check(&part, direction, api, version).is_err());
            }
        }
    }
}

#[test]
fn counts_beyond_the_bytes_are_refused() {
    let many = [0x7f, 0xff, 0xff, 0xff];
    assert!(check(&many, Direction::Request, Api::Metadata, 1).is_err());
    let compact = [0xff, 0xff, 0xff, 0xff, 0x0f];
    assert!(check(&compact, Direction::Request, Api::Metadata, 9).is_err());
    assert!(check_tags(&compact).is_err());
    assert_eq!(check_tags(&[2, 0, 1, 7, 9, 0, 5]), Ok(6));
}

#[test]
fn messages_of_millions_of_elements_are_refused_although_they_are_there() {
    let mut topics = BytesMut::new();
    topics.put_i32(2_000_000);
    topics.put_bytes(0, 4_000_000);
    assert!(check(&topics, Direction::Request, Api::Metadata, 1).is_err());
    topics[..4].copy_from_slice(&1_000_000_i32.to_be_bytes());
    assert!(check(&topics, Direction::Request, Api::Metadata, 1).is_ok());
}
