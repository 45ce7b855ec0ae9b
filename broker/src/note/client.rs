//! What a producer, a consumer or an admin tool says: what it was promised and what it saw.

use std::fmt;
use std::sync::Arc;

use machine::{Level, Note};
use serde::Serialize;

use crate::id::{BrokerId, Offset, TopicPartition};

/// What a Kafka client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum ClientNote {
    /// A batch was given to the producer: from now on its delivery time-out runs. One batch is one produce request's worth
    /// for a partition, and keeps its bytes when it is sent again.
    Produced {
        /// Where to.
        partition: TopicPartition,
        /// This client's own number of the batch.
        batch: u64,
        /// How many records are in it.
        records: u32,
        /// The checksum in the batch.
        crc: u32,
    },
    /// The batch went out to a broker (each time).
    Sent {
        /// Where to.
        partition: TopicPartition,
        /// Which batch.
        batch: u64,
        /// To whom.
        to: BrokerId,
    },
    /// The broker said no, and the producer will try again.
    Retrying {
        /// Where to.
        partition: TopicPartition,
        /// Which batch.
        batch: u64,
        /// Why.
        because: Failure,
    },
    /// The promise: the batch is in the log.
    Acked {
        /// Where.
        partition: TopicPartition,
        /// Which batch.
        batch: u64,
        /// The offset of its first record; `UNKNOWN` with acks=0.
        base: Offset,
        /// How many records are in it.
        records: u32,
        /// The checksum in the batch.
        crc: u32,
        /// 0, 1, or -1 for all.
        acks: i16,
    },
    /// The producer gave the batch up.
    GaveUp {
        /// Where to.
        partition: TopicPartition,
        /// Which batch.
        batch: u64,
        /// The last reason.
        because: Failure,
    },
    /// A batch came to the consumer.
    Consumed {
        /// From where.
        partition: TopicPartition,
        /// The first offset.
        base: Offset,
        /// The last offset.
        last: Offset,
        /// The checksum in the batch, which was verified.
        crc: u32,
    },
    /// The consumer asked where a partition begins or ends, or was told that its position does not exist: it goes on from here.
    Positioned {
        /// Where.
        partition: TopicPartition,
        /// The next offset it asks for.
        at: Offset,
        /// Whether its former position did not exist.
        reset: bool,
    },
    /// A fetch failed, and the consumer will try again.
    FetchFailed {
        /// From where, if a partition is to blame.
        partition: Option<TopicPartition>,
        /// Why.
        because: Failure,
    },
    /// A batch came whose checksum is wrong.
    CorruptBatch {
        /// From where.
        partition: TopicPartition,
        /// Its first offset.
        base: Offset,
    },
    /// An admin tool asks for something.
    AdminAsked {
        /// The step that wants it.
        id: Arc<str>,
        /// What (`create topic orders`).
        what: Arc<str>,
    },
    /// An admin tool is done.
    AdminDone {
        /// The step that wanted it.
        id: Arc<str>,
        /// How it ended.
        did: AdminDid,
    },
}

/// How an admin command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdminDid {
    /// The tool's exit code: 0 or 1.
    pub exit: i32,
    /// What it printed, as the tools of Kafka 2.3 or 2.5 print it.
    pub output: Arc<str>,
}

/// Why something did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Failure {
    /// The broker answered with this error code.
    Error(i16),
    /// The connection broke, or could not be made: nobody knows whether the request was carried out.
    Disconnected,
    /// No answer within `request.timeout.ms`: nobody knows.
    TimedOut,
    /// Nobody leads the partition, or nothing is known about it.
    NoLeader,
    /// `delivery.timeout.ms` passed before it could be sent (or sent again).
    Expired,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(code) => f.write_str(&crate::wire::error::name(*code)),
            Self::Disconnected => f.write_str("disconnected"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::NoLeader => f.write_str("no leader known"),
            Self::Expired => f.write_str("delivery time-out"),
        }
    }
}

impl fmt::Display for ClientNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Produced { partition, batch, records, .. } => {
                write!(f, "produces batch {batch} of {records} for {partition}")
            }
            Self::Sent { partition, batch, to } => {
                write!(f, "sends batch {batch} for {partition} to broker {to}")
            }
            Self::Retrying { partition, batch, because } => {
                write!(f, "will send batch {batch} for {partition} again: {because}")
            }
            Self::Acked { partition, batch, base, .. } => {
                write!(f, "batch {batch} is at {partition}:{base}")
            }
            Self::GaveUp { partition, batch, because } => {
                write!(f, "gives up batch {batch} for {partition}: {because}")
            }
            Self::Consumed { partition, base, last, .. } => {
                write!(f, "consumes {partition}:{base}..{last}")
            }
            Self::Positioned { partition, at, reset: false } => {
                write!(f, "starts at {partition}:{at}")
            }
            Self::Positioned { partition, at, reset: true } => {
                write!(f, "is out of range, goes on at {partition}:{at}")
            }
            Self::FetchFailed { partition: Some(partition), because } => {
                write!(f, "cannot fetch {partition}: {because}")
            }
            Self::FetchFailed { partition: None, because } => write!(f, "cannot fetch: {because}"),
            Self::CorruptBatch { partition, base } => {
                write!(f, "was given damaged records at {partition}:{base}")
            }
            Self::AdminAsked { what, .. } => write!(f, "asks: {what}"),
            Self::AdminDone { did, .. } => {
                let first = did.output.lines().next().unwrap_or("done");
                write!(f, "exits {}: {first}", did.exit)
            }
        }
    }
}

impl Note for ClientNote {
    fn level(&self) -> Level {
        match self {
            Self::GaveUp { .. }
            | Self::Positioned { .. }
            | Self::CorruptBatch { .. }
            | Self::AdminAsked { .. }
            | Self::AdminDone { .. } => Level::Headline,
            Self::Produced { .. }
            | Self::Sent { .. }
            | Self::Retrying { .. }
            | Self::Acked { .. }
            | Self::Consumed { .. }
            | Self::FetchFailed { .. } => Level::Detail,
        }
    }

    fn mark(&self) -> Option<&'static str> {
        Some(match self {
            Self::Retrying { .. } => "produce-retried",
            Self::GaveUp { .. } => "produce-given-up",
            Self::Positioned { reset: true, .. } => "position-reset",
            Self::CorruptBatch { .. } => "corrupt-batch-seen",
            _ => return None,
        })
    }
}
