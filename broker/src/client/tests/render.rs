//! Requests and answers of a transcript, each as one line that a person can read.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use kafka_protocol::messages as m;
use machine::Conn;

use crate::mechanism::Preset;
use crate::wire::versions::Versions;
use crate::wire::{self, Api, Request, Response, batch, error};

/// Renders streams: what was asked under a number says how an answer with that number is to be read.
pub fn streams(preset: Preset) -> impl FnMut(Conn, &Bytes) -> String {
    let versions = Versions::of(preset);
    let mut asked: BTreeMap<(Conn, i32), (Api, i16)> = BTreeMap::new();
    move |conn, bytes| {
        let mut frame = bytes.clone();
        frame.advance(4);
        let answers = wire::correlation(&frame).and_then(|number| asked.remove(&(conn, number)));
        if let Some((api, version)) = answers {
            let answer = wire::response(frame, api, version);
            return answer.map_or("malformed".into(), |answer| response(&answer));
        }
        let Ok(request) = wire::request(frame, &versions) else { return "malformed".into() };
        asked.insert((conn, request.correlation), (request.body.api(), request.version));
        format!("#{} {} v{}{}", request.correlation, request.body.api().name(), request.version, {
            self::request(&request.body)
        })
    }
}

fn request(body: &Request) -> String {
    match body {
        Request::Produce(produce) => {
            let parts = produce.topic_data.iter().flat_map(|topic| {
                topic.partition_data.iter().map(|data| {
                    let records = data.records.clone().unwrap_or_default();
                    let header = batch::Header::read(&records).expect("a producer sends batches");
                    format!(
                        " {}-{}: {} records, crc {:08x}",
                        topic.name.as_str(),
                        data.index,
                        header.count,
                        header.crc
                    )
                })
            });
            format!(" acks={}{}", produce.acks, parts.collect::<String>())
        }
        Request::Fetch(fetch) => {
            let parts = fetch.topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|part| {
                    format!(
                        " {}-{}@{} epoch {}",
                        topic.topic.as_str(),
                        part.partition,
                        part.fetch_offset,
                        part.current_leader_epoch
                    )
                })
            });
            let forgotten = fetch
                .forgotten_topics_data
                .iter()
                .map(|gone| format!(" without {:?}", gone.partitions));
            let parts: String = parts.chain(forgotten).collect();
            format!(" session {}:{}{parts}", fetch.session_id, fetch.session_epoch)
        }
        Request::ListOffsets(list) => {
            let parts = list.topics.iter().flat_map(|topic| &topic.partitions).map(|part| {
                let what = if part.timestamp == -2 { "begins" } else { "ends" };
                format!(
                    " where {} {what} in epoch {}",
                    part.partition_index, part.current_leader_epoch
                )
            });
            parts.collect()
        }
        Request::OffsetForLeaderEpoch(epochs) => {
            let parts = epochs.topics.iter().flat_map(|topic| &topic.partitions).map(|part| {
                format!(
                    " where epoch {} of {} ends in epoch {}",
                    part.leader_epoch, part.partition, part.current_leader_epoch
                )
            });
            parts.collect()
        }
        Request::Metadata(metadata) => match &metadata.topics {
            None => " of all topics".into(),
            Some(topics) => {
                let names = topics.iter().filter_map(|topic| topic.name.as_ref());
                names.map(|name| format!(" {}", name.as_str())).collect()
            }
        },
        Request::CreateTopics(create) => {
            let topics = create.topics.iter().map(|topic| {
                format!(
                    " {} {}x{} within {} ms",
                    topic.name.as_str(),
                    topic.num_partitions,
                    topic.replication_factor,
                    create.timeout_ms
                )
            });
            topics.collect()
        }
        _ => String::new(),
    }
}

fn response(body: &Response) -> String {
    match body {
        Response::Metadata(metadata) => {
            let parts = metadata.topics.iter().flat_map(|topic| {
                let name = topic.name.clone().unwrap_or_default();
                topic.partitions.iter().map(move |part| {
                    let (at, leader) = (part.partition_index, part.leader_id.0);
                    format!(" {}-{at} led by {leader} in {}", name.as_str(), part.leader_epoch)
                })
            });
            let brokers: Vec<i32> =
                metadata.brokers.iter().map(|broker| broker.node_id.0).collect();
            format!("brokers {brokers:?}{}", parts.collect::<String>())
        }
        Response::Produce(produce) => {
            let parts = produce.responses.iter().flat_map(|topic| {
                topic.partition_responses.iter().map(|part| match part.error_code {
                    0 => format!(" {}-{} at {}", topic.name.as_str(), part.index, part.base_offset),
                    code => {
                        format!(" {}-{} {}", topic.name.as_str(), part.index, error::name(code))
                    }
                })
            });
            format!("produced{}", parts.collect::<String>())
        }
        Response::Fetch(fetch) => {
            let parts = fetch.responses.iter().flat_map(|topic| {
                topic.partitions.iter().map(|part| match part.error_code {
                    0 => format!(
                        " {} bytes of {}-{}",
                        part.records.as_ref().map_or(0, Bytes::len),
                        topic.topic.as_str(),
                        part.partition_index
                    ),
                    code => format!(" {}: {}", part.partition_index, error::name(code)),
                })
            });
            let code = error::name(fetch.error_code);
            format!("fetched, session {} {code}{}", fetch.session_id, parts.collect::<String>())
        }
        Response::ApiVersions(m::ApiVersionsResponse { error_code, .. }) => {
            format!("versions, {}", error::name(*error_code))
        }
        other => format!("{} answered", other.api().name()),
    }
}
