//! The id of the cluster: whoever comes first draws it, everybody else reads it.

use coordinator::wire::client::{Request, Response, code};
use machine::Chance;

use super::paths::{Made, Paths};
use super::{Step, get, in_words};
use crate::zk::{ZkError, znode};

const PATH: &str = "/cluster/id";

/// Reading it, and making it where it is not.
#[derive(Clone, Debug)]
pub enum ClusterId {
    /// It is being read.
    Reading,
    /// It is being made.
    Making(Paths, String),
}

impl ClusterId {
    /// The first question.
    pub fn ask() -> Request {
        get(PATH)
    }

    /// The reply to the last question.
    pub fn replied(
        &mut self,
        result: Result<Response, ZkError>,
        chance: &mut Chance,
    ) -> Step<String> {
        match (&mut *self, result) {
            (Self::Reading, Ok(Response::Data { data, .. })) => {
                match data.and_then(|data| znode::cluster_id_from_json(&data)) {
                    Some(id) => Step::Done(id),
                    None => Step::Failed(format!("{PATH} holds no cluster id")),
                }
            }
            (Self::Reading, Err(ZkError::Refused(code::NO_NODE))) => {
                let id = draw(chance);
                let paths = Paths::one(PATH, Some(znode::cluster_id_json(&id).into()));
                let ask = Step::Ask(paths.ask());
                *self = Self::Making(paths, id);
                ask
            }
            (Self::Reading, Err(error)) => Step::Failed(in_words(PATH, error)),
            (Self::Reading, Ok(_)) => Step::Failed(format!("{PATH} cannot be read")),
            (Self::Making(paths, id), result) => match paths.replied(&result) {
                Step::Ask(request) => Step::Ask(request),
                Step::Done(Made { existed: false }) => Step::Done(id.clone()),
                Step::Done(Made { existed: true }) => {
                    *self = Self::Reading;
                    Step::Ask(Self::ask())
                }
                Step::Failed(why) => Step::Failed(why),
            },
        }
    }
}

/// A random UUID, as `CoreUtils.generateUuidAsBase64` draws it.
fn draw(chance: &mut Chance) -> String {
    let mut uuid = (u128::from(chance.bits()) << 64) | u128::from(chance.bits());
    // Version 4, variant 2, as java.util.UUID.randomUUID makes them.
    uuid = (uuid & !(0xf << 76)) | (4 << 76);
    uuid = (uuid & !(0b11 << 62)) | (0b10 << 62);
    znode::cluster_id_of(uuid.to_be_bytes())
}
