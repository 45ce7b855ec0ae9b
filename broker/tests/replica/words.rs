//! Requests and answers in the words of the transcripts.

use std::fmt::Write as _;

use broker::replica::ReplicaEvent;
use broker::wire::batch;
use broker::wire::error;
use broker::wire::{Request, Response};
use broker::zk::ZkError;
use coordinator::wire::client::Response as ZkResponse;
use kafka_protocol::messages as m;

/// What is asked.
pub fn question(request: &Request) -> String {
    match request {
        Request::Produce(body) => {
            let of = |topic: &m::produce_request::TopicProduceData| {
                let numbers = topic.partition_data.iter().map(|data| data.index);
                format!("{}{:?}", &**topic.name, numbers.collect::<Vec<_>>())
            };
            let topics: Vec<_> = body.topic_data.iter().map(of).collect();
            format!("Produce acks={} {}", body.acks, topics.join(" "))
        }
        Request::Fetch(body) => {
            let mut text = format!(
                "Fetch by {} session {}/{}",
                body.replica_id.0,
                if body.session_id == 0 { "none" } else { "its own" },
                body.session_epoch
            );
            for topic in &body.topics {
                for asked in &topic.partitions {
                    let (offset, epoch) = (asked.fetch_offset, asked.current_leader_epoch);
                    let _ = write!(
                        text,
                        " {}-{} from {offset} (epoch {epoch})",
                        &**topic.topic, asked.partition
                    );
                }
            }
            text
        }
        other => other.api().name().to_owned(),
    }
}

/// What the broker is told.
pub fn event_words(event: &ReplicaEvent) -> String {
    match event {
        ReplicaEvent::Answer(id, response) => format!("#{} ← {}", id.0, answer_words(response)),
        ReplicaEvent::NoAnswer(id) => format!("#{} is done, without an answer", id.0),
        ReplicaEvent::CloseConnection(id) => format!("#{} closes its connection", id.0),
        ReplicaEvent::Parked(id) => format!("#{} is parked", id.0),
        other => format!("{other:?}"),
    }
}

fn answer_words(response: &Response) -> String {
    match response {
        Response::Produce(body) => {
            let topics = body.responses.iter();
            let all = topics.flat_map(|topic| {
                topic.partition_responses.iter().map(|it| {
                    let base = it.base_offset;
                    format!(
                        "{}-{} {} base {base}",
                        &**topic.name,
                        it.index,
                        error::name(it.error_code)
                    )
                })
            });
            all.collect::<Vec<_>>().join(", ")
        }
        Response::Fetch(body) => {
            let session = if body.session_id == 0 { "no session" } else { "session" };
            let mut text = format!("{} {session}", error::name(body.error_code));
            for topic in &body.responses {
                for data in &topic.partitions {
                    let _ = write!(text, "; {}", data_words(&topic.topic, data));
                }
            }
            text
        }
        Response::ListOffsets(body) => {
            let all = body.topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|it| {
                    let code = error::name(it.error_code);
                    format!("{}-{} {code} offset {}", &**topic.name, it.partition_index, it.offset)
                })
            });
            all.collect::<Vec<_>>().join(", ")
        }
        Response::OffsetForLeaderEpoch(body) => {
            let all = body.topics.iter().flat_map(|topic| {
                topic.partitions.iter().map(|it| {
                    let code = error::name(it.error_code);
                    let (epoch, end) = (it.leader_epoch, it.end_offset);
                    format!(
                        "{}-{} {code} epoch {epoch} ends at {end}",
                        &**topic.topic, it.partition
                    )
                })
            });
            all.collect::<Vec<_>>().join(", ")
        }
        Response::LeaderAndIsr(body) => {
            let all = body.partition_errors.iter().map(|it| {
                let code = error::name(it.error_code);
                format!("{}-{} {code}", &**it.topic_name, it.partition_index)
            });
            let all = all.collect::<Vec<_>>().join(", ");
            format!("{}: {all}", error::name(body.error_code))
        }
        Response::StopReplica(body) => error::name(body.error_code).into_owned(),
        other => other.api().name().to_owned(),
    }
}

fn data_words(topic: &str, data: &m::fetch_response::PartitionData) -> String {
    let partition = data.partition_index;
    if data.error_code != error::NONE {
        return format!("{topic}-{partition} {}", error::name(data.error_code));
    }
    let records = data.records.clone().unwrap_or_default();
    let batches = batch::split(&records).expect("whole batches");
    let offsets: Vec<_> = batches
        .iter()
        .map(|(header, _)| format!("{}–{}", header.base.0, header.last().0))
        .collect();
    let (high, start) = (data.high_watermark, data.log_start_offset);
    format!("{topic}-{partition} [{}] hw {high} start {start}", offsets.join(" "))
}

/// What ZooKeeper says.
pub fn zk_words(result: &Result<ZkResponse, ZkError>) -> String {
    match result {
        Ok(ZkResponse::Stat(stat)) => format!("version {}", stat.version),
        Ok(ZkResponse::Data { data, stat }) => {
            let data = data.clone().unwrap_or_default();
            format!("version {} {}", stat.version, String::from_utf8_lossy(&data))
        }
        other => format!("{other:?}"),
    }
}
