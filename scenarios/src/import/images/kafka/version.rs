//! Which Kafka is in an image, and which of the modelled versions stands for it.

use std::fmt;

use broker::mechanism::Preset;

use super::Maker;
use crate::import::images::{Image, leading_numbers};

/// A version of Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::import) struct Version {
    numbers: [u32; 3],
    /// The file does not say it exactly.
    pub assumed: bool,
}

impl Version {
    /// The version in an image.
    pub fn of(image: &Image, maker: Maker) -> Self {
        let tag = image.tag.as_deref().unwrap_or("latest");
        match (maker, leading_numbers(tag).as_slice()) {
            (Maker::Wurstmeister, _) => wurstmeister(tag),
            (Maker::Confluent | Maker::ConfluentServer, [major, minor, ..]) => {
                confluent(*major, *minor)
            }
            (Maker::Debezium, [major, minor, ..]) => debezium(*major, *minor),
            (Maker::Debezium, _) => Self::assumed(3, 9, 0),
            (_, [major, minor, patch, ..]) => Self::exactly(*major, *minor, *patch),
            (_, [major, minor]) => Self::assumed(*major, *minor, 0),
            (_, [2]) => Self::assumed(2, 8, 1),
            (Maker::Apache, _) => Self::assumed(4, 0, 0),
            _ => Self::assumed(3, 9, 0),
        }
    }

    /// A version the file does not name.
    pub const fn assumed(major: u32, minor: u32, patch: u32) -> Self {
        Self { numbers: [major, minor, patch], assumed: true }
    }

    /// A version the file names.
    pub const fn exactly(major: u32, minor: u32, patch: u32) -> Self {
        Self { numbers: [major, minor, patch], assumed: false }
    }

    /// Whether it is this one or a later one.
    pub fn is_since(&self, major: u32, minor: u32) -> bool {
        self.numbers >= [major, minor, 0]
    }

    /// The modelled version that stands for it: the nearest one that is not younger, or the oldest. From 2.7 on a
    /// leader asks the controller to change its ISR, so that nothing waits for ZooKeeper: what `fixed` does.
    pub fn preset(&self) -> Preset {
        match self.numbers {
            [2, 5 | 6, _] => Preset::V2_5,
            [..2, ..] | [2, ..5, _] => Preset::V2_3,
            _ => Preset::Fixed,
        }
    }

    /// Whether that one is this very version.
    pub fn is(&self, preset: Preset) -> bool {
        matches!((self.numbers, preset), ([2, 3, 0], Preset::V2_3) | ([2, 5, 0], Preset::V2_5))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// `2.12-2.5.0` is 2.5.0 for Scala 2.12; tags of old were the version alone.
fn wurstmeister(tag: &str) -> Version {
    let version = tag.split_once('-').map_or(tag, |(_, version)| version);
    match leading_numbers(version).as_slice() {
        [major, minor, patch, ..] => Version::exactly(*major, *minor, *patch),
        [major, minor] => Version::assumed(*major, *minor, 0),
        _ => Version::assumed(2, 8, 1),
    }
}

/// What is in a release of the Confluent Platform.
fn confluent(major: u32, minor: u32) -> Version {
    match (major, minor) {
        (..4, _) => Version::assumed(0, 11, 0),
        (4, minor) => Version::exactly(1, minor, 0),
        (5, minor) => Version::exactly(2, minor, 0),
        (6, minor) => Version::exactly(2, minor + 6, 0),
        (7, minor) => Version::exactly(3, minor, 0),
        (8, minor) => Version::exactly(4, minor, 0),
        _ => Version::assumed(4, 0, 0),
    }
}

/// What is in a release of Debezium's images.
fn debezium(major: u32, minor: u32) -> Version {
    match (major, minor) {
        (..1, _) => Version::assumed(2, 3, 0),
        (1, 0) => Version::exactly(2, 4, 0),
        (1, 2) => Version::exactly(2, 5, 0),
        (1, 4) => Version::exactly(2, 6, 1),
        (1, 6) => Version::exactly(2, 7, 1),
        (1, 9) => Version::exactly(3, 2, 0),
        (1, ..2) => Version::assumed(2, 4, 0),
        (1, ..4) => Version::assumed(2, 5, 0),
        (1, ..6) => Version::assumed(2, 6, 1),
        (1, _) => Version::assumed(2, 8, 1),
        (2, 4) => Version::exactly(3, 5, 1),
        (2, 7) => Version::exactly(3, 7, 0),
        (2, _) => Version::assumed(3, 5, 1),
        (3, 0) => Version::exactly(3, 9, 0),
        _ => Version::assumed(3, 9, 0),
    }
}
