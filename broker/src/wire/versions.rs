//! Which versions of which APIs a broker of each release speaks.

use std::collections::BTreeMap;

use super::Api;
use crate::mechanism::Preset;

/// The lowest and highest version of each API, as ApiVersions answers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// By API.
    pub ranges: BTreeMap<Api, (i16, i16)>,
}

impl Versions {
    /// Those of a release.
    pub fn of(_preset: Preset) -> Self {
        unimplemented!()
    }

    /// Whether this is spoken.
    pub fn speaks(&self, api: Api, version: i16) -> bool {
        self.ranges.get(&api).is_some_and(|(low, high)| (*low..=*high).contains(&version))
    }

    /// The highest version of this API; brokers of one release use it among themselves.
    pub fn highest(&self, api: Api) -> i16 {
        self.ranges.get(&api).map_or(0, |(_, high)| *high)
    }
}
