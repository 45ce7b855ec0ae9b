//! ApiVersions: what a broker says that it speaks.

use kafka_protocol::messages as m;

use crate::mechanism::Preset;
use crate::wire::versions::Versions;
use crate::wire::{Api, Response, error};

/// All APIs with their versions.
pub(super) fn supported(spoken: &Versions) -> Response {
    let all = spoken.ranges.iter().map(|(api, range)| entry(*api, *range));
    m::ApiVersionsResponse::default().with_api_keys(all.collect()).into()
}

/// The answer to a version that is not spoken: the client tries again with version 0. Since 2.4 (KIP-511) it is told which
/// versions of ApiVersions it could use instead.
pub(super) fn unsupported(spoken: &Versions, preset: Preset) -> Response {
    let known = match preset {
        Preset::V2_3 => None,
        Preset::V2_5 | Preset::Fixed => spoken.ranges.get(&Api::ApiVersions),
    };
    let keys = known.map(|range| entry(Api::ApiVersions, *range));
    m::ApiVersionsResponse::default()
        .with_error_code(error::UNSUPPORTED_VERSION)
        .with_api_keys(keys.into_iter().collect())
        .into()
}

fn entry(api: Api, (low, high): (i16, i16)) -> m::api_versions_response::ApiVersion {
    m::api_versions_response::ApiVersion::default()
        .with_api_key(api.key())
        .with_min_version(low)
        .with_max_version(high)
}
