//! The block of producer ids that every broker takes when it starts, whether it will need them or not.

use bytes::Bytes;
use coordinator::wire::client::{Request, Response, code};
use serde_json::Value;

use super::{Step, get, in_words};
use crate::id::BrokerId;
use crate::zk::ZkError;

const PATH: &str = "/latest_producer_id_block";

/// Ids in one block.
const BLOCK: i64 = 1000;

/// Reading the latest block, and writing the next one where nobody was faster.
#[derive(Clone, Debug)]
pub struct ProducerIds {
    broker: BrokerId,
    writing: bool,
}

impl ProducerIds {
    /// For this broker.
    pub fn new(broker: BrokerId) -> Self {
        Self { broker, writing: false }
    }

    /// The first question.
    pub fn ask() -> Request {
        get(PATH)
    }

    /// The reply to the last question.
    pub fn replied(&mut self, result: Result<Response, ZkError>) -> Step<()> {
        match result {
            Ok(_) if self.writing => Step::Done(()),
            Err(ZkError::Refused(code::BAD_VERSION)) => {
                self.writing = false;
                Step::Ask(Self::ask())
            }
            Ok(Response::Data { data, stat }) => {
                let start = match data {
                    None => 0,
                    Some(data) => match end_of(&data) {
                        Some(end) if end < i64::MAX - BLOCK => end + 1,
                        _ => return Step::Failed(format!("{PATH} holds no block")),
                    },
                };
                self.writing = true;
                let (broker, end) = (self.broker, start + BLOCK - 1);
                let json = format!(
                    r#"{{"version":1,"broker":{broker},"block_start":"{start}","block_end":"{end}"}}"#
                );
                let data = super::data(json);
                Step::Ask(Request::SetData { path: PATH.into(), data, version: stat.version })
            }
            Ok(_) => Step::Failed(format!("{PATH} cannot be read")),
            Err(error) => Step::Failed(in_words(PATH, error)),
        }
    }
}

fn end_of(data: &Bytes) -> Option<i64> {
    let json: Value = serde_json::from_slice(data).ok()?;
    json.get("block_end")?.as_str()?.parse().ok()
}
