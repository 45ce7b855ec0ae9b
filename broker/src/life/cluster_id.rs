//! The id of the cluster: whoever comes first draws it, everybody else reads it.

use bytes::Bytes;
use coordinator::wire::client::{Request, Response, code};
use machine::Chance;
use serde_json::Value;

use super::paths::{Made, Paths};
use super::{Step, get, in_words};
use crate::zk::ZkError;

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
            (Self::Reading, Ok(Response::Data { data, .. })) => match read(data) {
                Some(id) => Step::Done(id),
                None => Step::Failed(format!("{PATH} holds no cluster id")),
            },
            (Self::Reading, Err(ZkError::Refused(code::NO_NODE))) => {
                let id = draw(chance);
                let json = format!(r#"{{"version":"1","id":"{id}"}}"#);
                let paths = Paths::one(PATH, super::data(json));
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

fn read(data: Option<Bytes>) -> Option<String> {
    let json: Value = serde_json::from_slice(&data?).ok()?;
    json.get("id")?.as_str().map(Into::into)
}

/// A random UUID in 22 characters of URL-safe base64 (`CoreUtils.generateUuidAsBase64`).
fn draw(chance: &mut Chance) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut uuid = (u128::from(chance.bits()) << 64) | u128::from(chance.bits());
    // Version 4, variant 2, as java.util.UUID.randomUUID makes them.
    uuid = (uuid & !(0xf << 76)) | (4 << 76);
    uuid = (uuid & !(0b11 << 62)) | (0b10 << 62);
    let digit = |place: u32| match place {
        // 128 bits are 21 digits of six bits and one of two, filled up with zeros.
        21 => DIGITS[((uuid & 0b11) << 4) as usize],
        place => DIGITS[((uuid >> (122 - 6 * place)) & 0b11_1111) as usize],
    };
    (0..22).map(|place| char::from(digit(place))).collect()
}
