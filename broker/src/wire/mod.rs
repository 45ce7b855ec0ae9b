//! Bytes on Kafka's streams: requests and responses with their headers, record batches, versions, errors.
//!
//! Messages are those of `kafka_protocol::messages`. Nothing is decoded whose announced counts the bytes cannot hold.

pub mod batch;
pub mod error;
mod fitting;
mod frame;
mod guard;
pub mod versions;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use kafka_protocol::messages as m;
use kafka_protocol::protocol::{Decodable, Encodable};

pub use frame::{correlation, request, request_frame, response, response_frame};

/// Bytes that are no message, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub Cow<'static, str>);

impl Malformed {
    /// In these words.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

macro_rules! apis {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $request:ident, $response:ident;)*) => {
        /// The APIs that are spoken, by their keys.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Api { $($(#[$doc])* $name = $key,)* }

        impl Api {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The API with this key.
            pub fn of(key: i16) -> Option<Self> {
                match key { $($key => Some(Self::$name),)* _ => None }
            }

            /// Its key.
            pub const fn key(self) -> i16 { self as i16 }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }

        /// The body of a request.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request { $($(#[$doc])* $name(m::$request),)* }

        /// The body of a response.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response { $($(#[$doc])* $name(m::$response),)* }

        impl Request {
            /// Which API it is of.
            pub const fn api(&self) -> Api { match self { $(Self::$name(_) => Api::$name,)* } }
        }

        impl Response {
            /// Which API it is of.
            pub const fn api(&self) -> Api { match self { $(Self::$name(_) => Api::$name,)* } }
        }

        impl Body for Request {
            fn decode(api: Api, bytes: &mut Bytes, version: i16) -> Result<Self, Malformed> {
                match api { $(Api::$name => decoded(bytes, version).map(Self::$name),)* }
            }
            fn encode(&self, frame: &mut Vec<u8>, version: i16) -> Result<(), Malformed> {
                match self { $(Self::$name(body) => encoded(body, frame, version),)* }
            }
            fn payload(&self) -> usize {
                self.records()
            }
        }

        impl Body for Response {
            fn decode(api: Api, bytes: &mut Bytes, version: i16) -> Result<Self, Malformed> {
                match api { $(Api::$name => decoded(bytes, version).map(Self::$name),)* }
            }
            fn encode(&self, frame: &mut Vec<u8>, version: i16) -> Result<(), Malformed> {
                match self { $(Self::$name(body) => encoded(body, frame, version),)* }
            }
            fn payload(&self) -> usize {
                self.records()
            }
        }

        $(impl From<m::$request> for Request {
            fn from(body: m::$request) -> Self { Self::$name(body) }
        }
        impl From<m::$response> for Response {
            fn from(body: m::$response) -> Self { Self::$name(body) }
        })*
    };
}

apis! {
    /// Append records.
    Produce = 0, ProduceRequest, ProduceResponse;
    /// Read records.
    Fetch = 1, FetchRequest, FetchResponse;
    /// First and last offsets, offsets by time.
    ListOffsets = 2, ListOffsetsRequest, ListOffsetsResponse;
    /// Who leads what, and where brokers are.
    Metadata = 3, MetadataRequest, MetadataResponse;
    /// From the controller: partitions and their roles.
    LeaderAndIsr = 4, LeaderAndIsrRequest, LeaderAndIsrResponse;
    /// From the controller: stop a replica.
    StopReplica = 5, StopReplicaRequest, StopReplicaResponse;
    /// From the controller: what Metadata answers.
    UpdateMetadata = 6, UpdateMetadataRequest, UpdateMetadataResponse;
    /// To the controller: a broker is about to stop.
    ControlledShutdown = 7, ControlledShutdownRequest, ControlledShutdownResponse;
    /// What is spoken.
    ApiVersions = 18, ApiVersionsRequest, ApiVersionsResponse;
    /// Make topics.
    CreateTopics = 19, CreateTopicsRequest, CreateTopicsResponse;
    /// Remove topics.
    DeleteTopics = 20, DeleteTopicsRequest, DeleteTopicsResponse;
    /// Where a leader epoch ends.
    OffsetForLeaderEpoch = 23, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
    /// Settings of topics and brokers.
    DescribeConfigs = 32, DescribeConfigsRequest, DescribeConfigsResponse;
    /// Change settings.
    AlterConfigs = 33, AlterConfigsRequest, AlterConfigsResponse;
    /// More partitions.
    CreatePartitions = 37, CreatePartitionsRequest, CreatePartitionsResponse;
    /// Preferred or unclean leader elections.
    ElectLeaders = 43, ElectLeadersRequest, ElectLeadersResponse;
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The version it is in.
    pub version: i16,
    /// The client's own number of the request.
    pub correlation: i32,
    /// What the client calls itself.
    pub client_id: Option<String>,
    /// The body.
    pub body: Request,
}

/// Why a request is not answered normally.
#[derive(Clone, Debug, PartialEq)]
pub enum Unanswerable {
    /// The bytes are no request: the connection is closed, as the real broker does.
    Malformed(Malformed),
    /// An API or version that is not spoken: the connection is closed.
    Unsupported {
        /// The API key.
        key: i16,
        /// The version.
        version: i16,
    },
    /// ApiVersions in a version that is not spoken: answered in version 0 with error 35 and what is supported.
    ApiVersions {
        /// The client's own number of the request.
        correlation: i32,
    },
}

/// The body of a message, of whichever API.
trait Body: Sized {
    /// Reads one that has been guarded.
    fn decode(api: Api, bytes: &mut Bytes, version: i16) -> Result<Self, Malformed>;

    /// Writes it. An error if a field is set that the version does not have.
    fn encode(&self, frame: &mut Vec<u8>, version: i16) -> Result<(), Malformed>;

    /// How many bytes of records it carries: most of what makes a message long.
    fn payload(&self) -> usize;
}

fn decoded<T: Decodable>(bytes: &mut Bytes, version: i16) -> Result<T, Malformed> {
    T::decode(bytes, version).map_err(|error| Malformed::new(error.to_string()))
}

fn encoded<T: Encodable>(body: &T, frame: &mut Vec<u8>, version: i16) -> Result<(), Malformed> {
    body.encode(frame, version).map_err(|error| Malformed::new(error.to_string()))
}

impl Request {
    fn records(&self) -> usize {
        let Self::Produce(body) = self else { return 0 };
        let partitions = body.topic_data.iter().flat_map(|topic| &topic.partition_data);
        partitions.map(|partition| partition.records.as_ref().map_or(0, Bytes::len)).sum()
    }
}

impl Response {
    fn records(&self) -> usize {
        let Self::Fetch(body) = self else { return 0 };
        let partitions = body.responses.iter().flat_map(|topic| &topic.partitions);
        partitions.map(|partition| partition.records.as_ref().map_or(0, Bytes::len)).sum()
    }
}

#[cfg(test)]
mod tests;
