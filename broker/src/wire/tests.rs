//! Frames with their headers: byte for byte where Kafka's headers are peculiar, there and back for the rest.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;

use super::versions::Versions;
use super::{Api, Request, Response, Unanswerable};
use crate::mechanism::Preset;

fn spoken() -> Versions {
    Versions::of(Preset::V2_5)
}

/// A frame without its length, which is held to be right.
fn without_length(frame: &Bytes) -> Bytes {
    let length = u32::from_be_bytes(*frame.first_chunk().expect("a frame begins with its length"));
    assert_eq!(length as usize, frame.len() - 4);
    frame.slice(4..)
}

fn there(body: impl Into<Request>, version: i16) -> Bytes {
    without_length(&super::request_frame(&body.into(), version, 7, "me"))
}

fn back(body: impl Into<Response>, version: i16) -> Bytes {
    without_length(&super::response_frame(&body.into(), version, 7))
}

#[test]
fn headers_are_those_of_their_versions() {
    let asked = there(m::MetadataRequest::default(), 1);
    assert_eq!(asked[..], [0, 3, 0, 1, 0, 0, 0, 7, 0, 2, b'm', b'e', 0, 0, 0, 0]);
    let flexible = there(m::MetadataRequest::default(), 9);
    assert_eq!(flexible[8..13], [0, 2, b'm', b'e', 0]);
    let nameless = there(m::ControlledShutdownRequest::default(), 0);
    assert_eq!(nameless[..], [0, 7, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0]);
    // ApiVersions is answered without tagged fields in the header, whatever its version.
    let versions = back(m::ApiVersionsResponse::default(), 3);
    assert_eq!(versions[..], [0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0]);
    let shut = back(m::ControlledShutdownResponse::default(), 3);
    assert_eq!(shut[..], [0, 0, 0, 7, 0, 0, 0, 1, 0]);
}

#[test]
fn every_request_and_response_comes_through_in_every_version() {
    for api in Api::ALL {
        for version in 0..=spoken().highest(*api) {
            let request = sample_request(*api);
            let asked = super::request(there(request.clone(), version), &spoken());
            let asked = asked.unwrap_or_else(|why| panic!("{api:?} {version}: {why:?}"));
            assert_eq!((asked.version, asked.correlation), (version, 7));
            let nameless = (*api, version) == (Api::ControlledShutdown, 0);
            assert_eq!(asked.client_id, (!nameless).then(|| "me".to_owned()));
            assert_eq!(asked.body.api(), *api);
            let frame = back(sample_response(*api), version);
            assert_eq!(super::correlation(&frame), Some(7));
            let response = super::response(frame, *api, version);
            assert_eq!(response.map(|body| body.api()), Ok(*api));
        }
    }
}

/// Without anything in it, which all versions can say.
fn sample_request(api: Api) -> Request {
    match api {
        Api::Produce => m::ProduceRequest::default().into(),
        Api::Fetch => m::FetchRequest::default().into(),
        Api::ListOffsets => m::ListOffsetsRequest::default().into(),
        Api::Metadata => m::MetadataRequest::default().into(),
        Api::LeaderAndIsr => m::LeaderAndIsrRequest::default().into(),
        Api::StopReplica => m::StopReplicaRequest::default().into(),
        Api::UpdateMetadata => m::UpdateMetadataRequest::default().into(),
        Api::ControlledShutdown => m::ControlledShutdownRequest::default().into(),
        Api::ApiVersions => m::ApiVersionsRequest::default().into(),
        Api::CreateTopics => m::CreateTopicsRequest::default().into(),
        Api::DeleteTopics => m::DeleteTopicsRequest::default().into(),
        Api::OffsetForLeaderEpoch => m::OffsetForLeaderEpochRequest::default().into(),
        Api::DescribeConfigs => m::DescribeConfigsRequest::default().into(),
        Api::AlterConfigs => m::AlterConfigsRequest::default().into(),
        Api::CreatePartitions => m::CreatePartitionsRequest::default().into(),
        Api::ElectLeaders => m::ElectLeadersRequest::default().with_election_type(0).into(),
    }
}

/// With fields that old versions do not have.
fn sample_response(api: Api) -> Response {
    let topic = || m::TopicName(StrBytes::from_static_str("orders"));
    match api {
        Api::Produce => m::ProduceResponse::default().into(),
        Api::Fetch => {
            let partition = m::fetch_response::PartitionData::default()
                .with_last_stable_offset(5)
                .with_aborted_transactions(None)
                .with_preferred_read_replica(m::BrokerId(2));
            let topic = m::fetch_response::FetchableTopicResponse::default()
                .with_topic(topic())
                .with_partitions(vec![partition]);
            m::FetchResponse::default().with_session_id(9).with_responses(vec![topic]).into()
        }
        Api::ListOffsets => {
            let partition = m::list_offsets_response::ListOffsetsPartitionResponse::default()
                .with_old_style_offsets(vec![5])
                .with_timestamp(1)
                .with_offset(5)
                .with_leader_epoch(3);
            let topic = m::list_offsets_response::ListOffsetsTopicResponse::default()
                .with_name(topic())
                .with_partitions(vec![partition]);
            m::ListOffsetsResponse::default().with_topics(vec![topic]).into()
        }
        Api::Metadata => {
            let topic = m::metadata_response::MetadataResponseTopic::default()
                .with_name(Some(topic()))
                .with_topic_authorized_operations(0);
            m::MetadataResponse::default().with_topics(vec![topic]).into()
        }
        Api::LeaderAndIsr => m::LeaderAndIsrResponse::default().into(),
        Api::StopReplica => m::StopReplicaResponse::default().into(),
        Api::UpdateMetadata => m::UpdateMetadataResponse::default().into(),
        Api::ControlledShutdown => m::ControlledShutdownResponse::default().into(),
        Api::ApiVersions => m::ApiVersionsResponse::default().into(),
        Api::CreateTopics => m::CreateTopicsResponse::default().into(),
        Api::DeleteTopics => m::DeleteTopicsResponse::default().into(),
        Api::OffsetForLeaderEpoch => m::OffsetForLeaderEpochResponse::default().into(),
        Api::DescribeConfigs => {
            let synonym = m::describe_configs_response::DescribeConfigsSynonym::default()
                .with_name(StrBytes::from_static_str("log.segment.bytes"))
                .with_source(5);
            let config = m::describe_configs_response::DescribeConfigsResourceResult::default()
                .with_name(StrBytes::from_static_str("segment.bytes"))
                .with_is_default(true)
                .with_synonyms(vec![synonym]);
            let result = m::describe_configs_response::DescribeConfigsResult::default()
                .with_configs(vec![config]);
            m::DescribeConfigsResponse::default().with_results(vec![result]).into()
        }
        Api::AlterConfigs => m::AlterConfigsResponse::default().into(),
        Api::CreatePartitions => m::CreatePartitionsResponse::default().into(),
        Api::ElectLeaders => m::ElectLeadersResponse::default().with_error_code(41).into(),
    }
}

#[test]
fn records_of_a_produce_request_are_not_copied() {
    let records = Bytes::from(vec![7; 1000]);
    let partition =
        m::produce_request::PartitionProduceData::default().with_records(Some(records.clone()));
    let topic =
        m::produce_request::TopicProduceData::default().with_partition_data(vec![partition]);
    let frame = there(m::ProduceRequest::default().with_topic_data(vec![topic]), 7);
    let asked = super::request(frame.clone(), &spoken()).expect("it was written here");
    let Request::Produce(body) = asked.body else { panic!("another API") };
    let read = body.topic_data[0].partition_data[0].records.clone().expect("some were sent");
    assert_eq!(read, records);
    assert!(frame.as_ptr_range().contains(&read.as_ptr()));
}

#[test]
fn what_is_not_spoken_is_told_apart() {
    let head = |key: i16, version: i16| {
        let mut head = BytesMut::new();
        head.put_i16(key);
        head.put_i16(version);
        head.put_i32(7);
        head.put_i16(-1);
        super::request(head.freeze(), &spoken())
    };
    assert_eq!(head(18, 9), Err(Unanswerable::ApiVersions { correlation: 7 }));
    assert_eq!(head(0, 9), Err(Unanswerable::Unsupported { key: 0, version: 9 }));
    assert_eq!(head(-5, 0), Err(Unanswerable::Unsupported { key: -5, version: 0 }));
    assert!(matches!(head(0, 3), Err(Unanswerable::Malformed(_))));
    assert_eq!(head(18, 0).expect("an empty body").client_id, None);
}
