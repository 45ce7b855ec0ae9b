//! Responses without the fields that an old version does not have. Whoever answers says all it knows; most fields the
//! encoder leaves out by itself, these it refuses.

use kafka_protocol::messages as m;

use super::Response;

/// The same response as far as this version can say it.
pub(super) fn fitted(response: Response, version: i16) -> Response {
    match response {
        Response::Fetch(body) => fetch(body, version).into(),
        Response::ListOffsets(body) => list_offsets(body, version).into(),
        Response::Metadata(body) => metadata(body, version).into(),
        Response::DescribeConfigs(body) => describe_configs(body, version).into(),
        Response::ElectLeaders(body) if version < 1 => body.with_error_code(0).into(),
        other => other,
    }
}

fn fetch(mut body: m::FetchResponse, version: i16) -> m::FetchResponse {
    if version < 7 {
        body.session_id = 0;
    }
    for partition in body.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
        if version < 11 {
            partition.preferred_read_replica = m::BrokerId(-1);
        }
        if version < 4 {
            partition.aborted_transactions = None;
        }
    }
    body
}

/// Version 0 answers with a list of offsets, later ones with one.
fn list_offsets(mut body: m::ListOffsetsResponse, version: i16) -> m::ListOffsetsResponse {
    for partition in body.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
        if version == 0 {
            partition.timestamp = -1;
            partition.offset = -1;
        } else {
            partition.old_style_offsets.clear();
        }
        if version < 4 {
            partition.leader_epoch = -1;
        }
    }
    body
}

fn metadata(mut body: m::MetadataResponse, version: i16) -> m::MetadataResponse {
    if version < 8 {
        body.cluster_authorized_operations = i32::MIN;
        for topic in &mut body.topics {
            topic.topic_authorized_operations = i32::MIN;
        }
    }
    body
}

fn describe_configs(
    mut body: m::DescribeConfigsResponse,
    version: i16,
) -> m::DescribeConfigsResponse {
    for config in body.results.iter_mut().flat_map(|resource| &mut resource.configs) {
        if version > 0 {
            config.is_default = false;
        } else {
            config.synonyms.clear();
        }
    }
    body
}
