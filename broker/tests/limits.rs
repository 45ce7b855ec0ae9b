//! No bytes make a broker's parsers panic or take memory without bound. Everything runs under a limit on the whole process's
//! memory: above it an allocation fails, and the process with it.

use std::alloc::System;

use broker::mechanism::Preset;
use broker::wire::versions::Versions;
use broker::wire::{Api, Request, Unanswerable, request, request_frame, response};
use bytes::{BufMut, Bytes, BytesMut};
use cap::Cap;
use kafka_protocol::messages as m;
use kafka_protocol::protocol::StrBytes;
use proptest::prelude::*;

/// What the whole process may hold.
const LIMIT: usize = 128 * 1024 * 1024;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, LIMIT);

fn spoken() -> Versions {
    Versions::of(Preset::V2_5)
}

/// Bytes as an attacker would write them: noise, with great lengths and small numbers where structure is expected.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        any::<[u8; 4]>().prop_map(Vec::from),
        Just(vec![0x7f, 0xff, 0xff, 0xff]),
        Just(vec![0xff; 5]),
        Just(vec![0x40, 0, 0, 0]),
        Just(vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
        Just(vec![0, 0, 0, 4, 0, 1, b'a']),
        (0u8..20).prop_map(|small| vec![0, 0, 0, small]),
        (0u8..20).prop_map(|small| vec![small]),
    ];
    prop::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn headed(api: Api, version: i16, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_i16(api.key());
    frame.put_i16(version);
    frame.put_i32(1);
    frame.put_i16(-1);
    frame.put_slice(body);
    frame.freeze()
}

#[test]
fn the_metadata_request_of_26_bytes() {
    let mut frame = BytesMut::new();
    frame.put_i16(3);
    frame.put_i16(1);
    frame.put_i32(1);
    frame.put_i16(8);
    frame.put_slice(b"attacker");
    frame.put_i32(i32::MAX);
    frame.put_i32(0);
    assert_eq!(frame.len(), 26);
    let refused = request(frame.freeze(), &spoken());
    assert!(matches!(refused, Err(Unanswerable::Malformed(_))), "{refused:?}");
}

#[test]
fn a_request_of_nothing_but_empty_names() {
    let mut body = BytesMut::new();
    body.put_i32(1 << 20);
    body.put_bytes(0, 2 << 20);
    let asked = request(headed(Api::Metadata, 1, &body), &spoken());
    assert!(asked.is_ok(), "a million empty names are many, not too many");
    body.clear();
    body.put_i32((1 << 20) + 1);
    body.put_bytes(0, 3 << 20);
    assert!(request(headed(Api::Metadata, 1, &body), &spoken()).is_err());
}

/// A few requests with something in them.
fn samples() -> Vec<Request> {
    let text = |text: &'static str| StrBytes::from_static_str(text);
    let topic = || m::TopicName(text("orders"));
    let partition = m::produce_request::PartitionProduceData::default()
        .with_records(Some(Bytes::from_static(b"no records, but bytes")));
    let produced = m::produce_request::TopicProduceData::default()
        .with_name(topic())
        .with_partition_data(vec![partition]);
    let fetched = m::fetch_request::FetchTopic::default()
        .with_topic(topic())
        .with_partitions(vec![m::fetch_request::FetchPartition::default(); 3]);
    let led = m::leader_and_isr_request::LeaderAndIsrPartitionState::default()
        .with_isr(vec![m::BrokerId(1)])
        .with_replicas(vec![m::BrokerId(1), m::BrokerId(2)]);
    let leading = m::leader_and_isr_request::LeaderAndIsrTopicState::default()
        .with_topic_name(topic())
        .with_partition_states(vec![led; 2]);
    let known = m::update_metadata_request::UpdateMetadataBroker::default()
        .with_endpoints(vec![m::update_metadata_request::UpdateMetadataEndpoint::default()]);
    let created = m::create_topics_request::CreatableTopic::default()
        .with_name(topic())
        .with_assignments(vec![Default::default(); 2])
        .with_configs(vec![Default::default(); 2]);
    vec![
        m::ProduceRequest::default().with_topic_data(vec![produced; 2]).into(),
        m::FetchRequest::default().with_topics(vec![fetched; 2]).into(),
        m::LeaderAndIsrRequest::default().with_topic_states(vec![leading]).into(),
        m::UpdateMetadataRequest::default().with_live_brokers(vec![known; 2]).into(),
        m::CreateTopicsRequest::default().with_topics(vec![created; 2]).into(),
        m::DeleteTopicsRequest::default().with_topic_names(vec![topic(); 3]).into(),
    ]
}

proptest! {
    #[test]
    fn no_frame_is_dangerous(frame in hostile()) {
        drop(request(Bytes::from(frame), &spoken()));
    }

    #[test]
    fn no_body_is_dangerous(body in hostile()) {
        for api in Api::ALL {
            for version in 0..=spoken().highest(*api) {
                drop(request(headed(*api, version, &body), &spoken()));
                let answer = [&[0, 0, 0, 1][..], &body[..]].concat();
                drop(response(Bytes::from(answer), *api, version));
            }
        }
    }

    #[test]
    fn no_change_of_a_request_is_dangerous(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        for sample in samples() {
            let version = spoken().highest(sample.api());
            let mut frame = request_frame(&sample, version, 1, "client")[4..].to_vec();
            prop_assert!(request(Bytes::from(frame.clone()), &spoken()).is_ok());
            for (place, byte) in &changes {
                let place = place.index(frame.len());
                frame[place] = *byte;
            }
            drop(request(Bytes::from(frame), &spoken()));
        }
    }
}
