//! As much of a Kafka client as the service needs: partition 0 of a topic, one request at a time, acks=all. A connection is
//! kept while it works; after any failure the leader is looked for again.

use std::time::Duration;
use std::{fmt, io};

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    FetchRequest, MetadataRequest, ProduceRequest, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Outside;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much to fetch at once.
const BYTES_MAX: i32 = 1 << 20;

/// Why a request was not answered well.
#[derive(Debug)]
pub enum Error {
    /// It was surely not done.
    NotDone(String),
    /// Nobody knows whether it was done.
    Unknown(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// A client of one cluster.
pub struct Client<O: Outside> {
    outside: O,
    bootstrap: Vec<String>,
    /// The leader of a topic, by topic.
    leaders: Vec<(String, O::Stream)>,
}

impl<O: Outside> Client<O> {
    /// Knows these addresses, and nothing else yet.
    pub fn new(outside: O, bootstrap: Vec<String>) -> Self {
        Self { outside, bootstrap, leaders: Vec::new() }
    }

    /// Writes one record; done when all replicas in sync have it.
    pub async fn produce(&mut self, topic: &str, value: Bytes) -> Result<(), Error> {
        let mut records = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut records, &[record(value)], &options).map_err(not_done)?;
        let data = PartitionProduceData::default().with_records(Some(records.freeze()));
        let data =
            TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(PATIENCE.as_millis() as i32)
            .with_topic_data(vec![data]);
        let answer = self.ask_leader(topic, 5, request).await?;
        let partitions = answer.responses.into_iter().flat_map(|topic| topic.partition_responses);
        match partitions.map(|one| one.error_code).next() {
            Some(0) => Ok(()),
            // REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND: the leader has it, others perhaps.
            Some(code @ (7 | 20)) => self.lost(topic, Error::Unknown(format!("error {code}"))),
            code => self.lost(topic, Error::NotDone(format!("error {code:?}"))),
        }
    }

    /// The records from this offset on, with their offsets; waits a little if there is none.
    pub async fn fetch(&mut self, topic: &str, from: i64) -> Result<Vec<(i64, Bytes)>, Error> {
        Ok(self.fetch_with_end(topic, from).await?.0)
    }

    /// The last record.
    pub async fn last(&mut self, topic: &str) -> Result<Option<Bytes>, Error> {
        let (_, end) = self.fetch_with_end(topic, 0).await?;
        if end == 0 {
            return Ok(None);
        }
        let records = self.fetch(topic, end - 1).await?;
        Ok(records.into_iter().next().map(|(_, value)| value))
    }

    /// As [`Self::fetch`], and the end of what there is to read.
    async fn fetch_with_end(
        &mut self,
        topic: &str,
        from: i64,
    ) -> Result<(Vec<(i64, Bytes)>, i64), Error> {
        let part = FetchPartition::default().with_fetch_offset(from);
        let part = part.with_partition_max_bytes(BYTES_MAX);
        let part = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![part]);
        let request = FetchRequest::default()
            .with_replica_id((-1).into())
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(BYTES_MAX)
            .with_topics(vec![part]);
        let answer = self.ask_leader(topic, 4, request).await?;
        let mut partitions = answer.responses.into_iter().flat_map(|topic| topic.partitions);
        match partitions.next() {
            Some(found) if found.error_code == 0 => {
                let records = records(found.records.unwrap_or_default(), from).map_err(not_done)?;
                Ok((records, found.high_watermark))
            }
            found => {
                let code = found.map(|found| found.error_code);
                self.lost(topic, Error::NotDone(format!("error {code:?}")))
            }
        }
    }

    /// Forgets the leader, who is none any more.
    fn lost<T>(&mut self, topic: &str, error: Error) -> Result<T, Error> {
        self.leaders.retain(|(led, _)| led != topic);
        Err(error)
    }

    async fn ask_leader<R: Request>(
        &mut self,
        topic: &str,
        version: i16,
        request: R,
    ) -> Result<R::Response, Error> {
        let place = self.leaders.iter().position(|(led, _)| led == topic);
        // Taken out: it comes back if it answers.
        let mut leader = match place {
            Some(place) => self.leaders.swap_remove(place).1,
            None => self.find(topic).await.map_err(not_done)?,
        };
        let answer = ask(&self.outside, &mut leader, version, request).await?;
        self.leaders.push((topic.to_owned(), leader));
        Ok(answer)
    }

    /// A connection to the leader of partition 0.
    async fn find(&self, topic: &str) -> io::Result<O::Stream> {
        let mut why = io::Error::other("no brokers are known");
        for address in &self.bootstrap {
            match self.find_with(address, topic).await {
                Ok(leader) => return Ok(leader),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn find_with(&self, address: &str, topic: &str) -> io::Result<O::Stream> {
        let mut stream = within(&self.outside, self.outside.connect(address)).await?;
        let topics = vec![MetadataRequestTopic::default().with_name(Some(name(topic)))];
        let request = MetadataRequest::default().with_topics(Some(topics));
        let answer = ask(&self.outside, &mut stream, 5, request).await;
        let answer = answer.map_err(|error| io::Error::other(error.to_string()))?;
        let mut partitions = answer.topics.iter().flat_map(|topic| &topic.partitions);
        let leader = partitions.find(|one| one.partition_index == 0).map(|one| one.leader_id);
        let leader = answer.brokers.iter().find(|broker| Some(broker.node_id) == leader);
        let leader = leader.ok_or_else(|| io::Error::other("nobody leads it"))?;
        let address = format!("{}:{}", &*leader.host, leader.port);
        within(&self.outside, self.outside.connect(&address)).await
    }
}

/// One request and its answer. A request that could not be written whole was surely not done.
async fn ask<O: Outside, R: Request>(
    outside: &O,
    stream: &mut O::Stream,
    version: i16,
    request: R,
) -> Result<R::Response, Error> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str("shop")));
    let mut bytes = BytesMut::from(&[0; 4][..]);
    header.encode(&mut bytes, R::header_version(version)).map_err(not_done)?;
    request.encode(&mut bytes, version).map_err(not_done)?;
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    within(outside, stream.write_all(&bytes)).await.map_err(not_done)?;
    let answer = async {
        let mut answer = vec![0; stream.read_u32().await? as usize];
        stream.read_exact(&mut answer).await?;
        Ok(Bytes::from(answer))
    };
    let mut answer = within(outside, answer).await.map_err(unknown)?;
    let header = R::Response::header_version(version);
    ResponseHeader::decode(&mut answer, header).map_err(unknown)?;
    R::Response::decode(&mut answer, version).map_err(unknown)
}

/// This, unless it takes too long.
async fn within<O: Outside, T>(
    outside: &O,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    tokio::select! {
        biased;
        done = work => done,
        () = outside.sleep(PATIENCE) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The records of whole batches, from this offset on.
fn records(mut bytes: Bytes, from: i64) -> io::Result<Vec<(i64, Bytes)>> {
    let mut records = Vec::new();
    while let Some(length) = bytes.get(8..12) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if bytes.len() < 12 + length {
            break;
        }
        let mut batch = bytes.split_to(12 + length);
        let batch = RecordBatchDecoder::decode(&mut batch).map_err(io::Error::other)?;
        let wanted = batch.records.into_iter().filter(|record| record.offset >= from);
        records.extend(wanted.map(|record| (record.offset, record.value.unwrap_or_default())));
    }
    Ok(records)
}

fn record(value: Bytes) -> Record {
    Record {
        transactional: false,
        control: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp: 0,
        key: None,
        value: Some(value),
        headers: Default::default(),
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

fn not_done(error: impl ToString) -> Error {
    Error::NotDone(error.to_string())
}

fn unknown(error: impl ToString) -> Error {
    Error::Unknown(error.to_string())
}
