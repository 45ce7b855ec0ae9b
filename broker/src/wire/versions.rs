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
    /// Those of a release. Only what is understood here: the real brokers speak more APIs.
    pub fn of(preset: Preset) -> Self {
        let range = |api: &Api| {
            let (v2_3, v2_5) = highest(*api);
            let highest = match preset {
                Preset::V2_3 => v2_3,
                Preset::V2_5 | Preset::Fixed => v2_5,
            };
            (*api, (0, highest))
        };
        Self { ranges: Api::ALL.iter().map(range).collect() }
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

/// The highest versions of 2.3.0 and of 2.5.0 (`clients/src/main/resources/common/message` at both tags).
pub(super) const fn highest(api: Api) -> (i16, i16) {
    match api {
        Api::Produce => (7, 8),
        Api::Fetch => (11, 11),
        Api::ListOffsets => (5, 5),
        Api::Metadata => (8, 9),
        Api::LeaderAndIsr => (2, 4),
        Api::StopReplica => (1, 2),
        Api::UpdateMetadata => (5, 6),
        Api::ControlledShutdown => (2, 3),
        Api::ApiVersions => (2, 3),
        Api::CreateTopics => (3, 5),
        Api::DeleteTopics => (3, 4),
        Api::OffsetForLeaderEpoch => (3, 3),
        Api::DescribeConfigs => (2, 2),
        Api::AlterConfigs => (1, 1),
        Api::CreatePartitions => (1, 2),
        Api::ElectLeaders => (0, 2),
    }
}

impl Api {
    /// The first flexible version (KIP-482): compact lengths and tagged fields, also in the headers.
    pub const fn flexible_since(self) -> i16 {
        match self {
            Self::Produce => 9,
            Self::Fetch => 12,
            Self::ListOffsets => 6,
            Self::Metadata => 9,
            Self::LeaderAndIsr | Self::DeleteTopics => 4,
            Self::OffsetForLeaderEpoch | Self::DescribeConfigs => 4,
            Self::StopReplica | Self::AlterConfigs => 2,
            Self::CreatePartitions | Self::ElectLeaders => 2,
            Self::UpdateMetadata => 6,
            Self::ControlledShutdown | Self::ApiVersions => 3,
            Self::CreateTopics => 5,
        }
    }

    /// Whether this version of it is flexible.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_since()
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;
    use crate::mechanism::Preset;
    use crate::wire::Api;

    #[test]
    fn releases_differ_where_they_did() {
        let [old, new, fixed] = Preset::ALL.map(Versions::of);
        assert_eq!(new, fixed);
        assert!(new.speaks(Api::ElectLeaders, 2) && !old.speaks(Api::ElectLeaders, 1));
        assert!(!new.speaks(Api::Produce, 9) && !new.speaks(Api::Produce, -1));
        let changed: Vec<_> =
            Api::ALL.iter().filter(|api| old.highest(**api) != new.highest(**api)).collect();
        assert_eq!(changed.len(), 11);
    }
}
