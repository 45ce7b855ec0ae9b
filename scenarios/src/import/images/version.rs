//! Which ZooKeeper is in an image, and which of the modelled versions stands for it.

use std::fmt;

use coordinator::config::Syntax;
use coordinator::mechanism::Preset;

use super::{Family, Image};

/// A version of ZooKeeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::import) struct Version {
    numbers: [u32; 3],
    /// The file does not say it exactly.
    pub assumed: bool,
}

impl Version {
    /// The version in an image.
    pub fn of(image: &Image) -> Self {
        let tag = image.tag.as_deref().unwrap_or("latest");
        let numbers = leading_numbers(tag);
        match (image.family(), numbers.as_slice()) {
            (Family::Wurstmeister, []) => Self::assumed(3, 4, 13),
            (Family::Confluent, [major, minor, ..]) => confluent(*major, *minor),
            (Family::Confluent, _) => Self::assumed(3, 8, 4),
            (Family::Debezium, [major, minor, ..]) => debezium(*major, *minor),
            (Family::Debezium, _) => Self::assumed(3, 8, 4),
            (_, [major, minor, patch, ..]) => Self::exactly(*major, *minor, *patch),
            (_, [major, minor]) => Self::assumed(*major, *minor, newest_patch(*major, *minor)),
            _ => Self::assumed(3, 9, 3),
        }
    }

    /// A version the file does not name.
    pub const fn assumed(major: u32, minor: u32, patch: u32) -> Self {
        Self { numbers: [major, minor, patch], assumed: true }
    }

    const fn exactly(major: u32, minor: u32, patch: u32) -> Self {
        Self { numbers: [major, minor, patch], assumed: false }
    }

    /// The modelled version that stands for it: one with the same synchronisation, or the nearest older one.
    pub fn preset(&self) -> Preset {
        match self.numbers {
            [..3, ..] | [3, ..4, _] | [3, 4, ..10] | [3, 5, ..3] => Preset::V3_4_6,
            [3, 4, _] | [3, 5, ..10] | [3, 6, ..3] => Preset::V3_4_14,
            _ => Preset::V3_6_3,
        }
    }

    /// Whether that one is this very version.
    pub fn is(&self, preset: Preset) -> bool {
        preset.name() == self.to_string()
    }

    /// How its `zoo.cfg` is read.
    pub fn syntax(&self) -> Syntax {
        if self.numbers >= [3, 5, 0] { Syntax::V3_5 } else { Syntax::V3_4 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What is in a release of the Confluent Platform.
fn confluent(major: u32, minor: u32) -> Version {
    match (major, minor) {
        (..4, _) => Version::assumed(3, 4, 9),
        (4, _) => Version::exactly(3, 4, 10),
        (5, ..3) => Version::exactly(3, 4, 13),
        (5, 3) => Version::exactly(3, 4, 14),
        (5, 4) => Version::exactly(3, 5, 6),
        (5, _) => Version::exactly(3, 5, 7),
        (6, ..2) => Version::exactly(3, 5, 8),
        (6, _) => Version::exactly(3, 5, 9),
        (7, ..6) => Version::exactly(3, 6, 3),
        _ => Version::assumed(3, 8, 4),
    }
}

/// What is in a release of Debezium's images; between those that were looked at, the one before.
fn debezium(major: u32, minor: u32) -> Version {
    match (major, minor) {
        (0, _) => Version::assumed(3, 4, 14),
        (1, 0) => Version::exactly(3, 5, 6),
        (1, 2) => Version::exactly(3, 5, 7),
        (1, 4) => Version::exactly(3, 5, 8),
        (1, 6) => Version::exactly(3, 5, 9),
        (1, 9) => Version::exactly(3, 6, 3),
        (2, 4) => Version::exactly(3, 6, 4),
        (2, 7) => Version::exactly(3, 8, 3),
        (3, 0) => Version::exactly(3, 8, 4),
        (1, 1) => Version::assumed(3, 5, 6),
        (1, 3) => Version::assumed(3, 5, 7),
        (1, 5) => Version::assumed(3, 5, 8),
        (1, ..9) => Version::assumed(3, 5, 9),
        (1, _) | (2, ..4) => Version::assumed(3, 6, 3),
        (2, ..7) => Version::assumed(3, 6, 4),
        (2, _) => Version::assumed(3, 8, 3),
        _ => Version::assumed(3, 8, 4),
    }
}

/// A tag of two numbers moves with the newest patch.
fn newest_patch(major: u32, minor: u32) -> u32 {
    match (major, minor) {
        (3, 4) => 14,
        (3, 5) => 10,
        (3, 6) => 4,
        (3, 7) => 2,
        (3, 8) => 4,
        (3, 9) => 3,
        _ => 0,
    }
}

/// `3.5.9-alpine` is 3, 5, 9; `latest` is nothing.
pub(super) fn leading_numbers(tag: &str) -> Vec<u32> {
    let end = tag.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    tag[..end.unwrap_or(tag.len())].split('.').map_while(|part| part.parse().ok()).collect()
}
