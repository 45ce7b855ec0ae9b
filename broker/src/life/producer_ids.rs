//! The block of producer ids that every broker takes when it starts, whether it will need them or not.

use coordinator::wire::client::{Request, Response, code};

use super::{Step, get, in_words};
use crate::id::BrokerId;
use crate::zk::{ZkError, znode};

const PATH: &str = "/latest_producer_id_block";

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
                    Some(data) => match znode::next_producer_ids(&data) {
                        Some(start) => start,
                        None => return Step::Failed(format!("{PATH} holds no block")),
                    },
                };
                self.writing = true;
                let data = Some(znode::producer_ids_json(self.broker, start).into());
                Step::Ask(Request::SetData { path: PATH.into(), data, version: stat.version })
            }
            Ok(_) => Step::Failed(format!("{PATH} cannot be read")),
            Err(error) => Step::Failed(in_words(PATH, error)),
        }
    }
}
