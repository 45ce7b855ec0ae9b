//! Frames: a message with its header, and on the way out with its length in front.

use bytes::{Buf, BufMut, Bytes};

use super::guard::{self, Direction};
use super::versions::{self, Versions};
use super::{Api, Asked, Body, Malformed, Request, Response, Unanswerable, fitting};

/// Reads one frame (without its length) as a request, if its API and version are spoken.
///
/// # Errors
/// See [`Unanswerable`]. Whatever the bytes: no panic, and no allocation beyond a small multiple of their length.
pub fn request(mut frame: Bytes, spoken: &Versions) -> Result<Asked, Unanswerable> {
    if frame.len() < 8 {
        return Err(Unanswerable::Malformed(cut_off()));
    }
    let (key, version, correlation) = (frame.get_i16(), frame.get_i16(), frame.get_i32());
    let api = match Api::of(key) {
        Some(api) if spoken.speaks(api, version) => api,
        Some(Api::ApiVersions) => return Err(Unanswerable::ApiVersions { correlation }),
        _ => return Err(Unanswerable::Unsupported { key, version }),
    };
    body_of_request(frame, api, version)
        .map(|(client_id, body)| Asked { version, correlation, client_id, body })
        .map_err(Unanswerable::Malformed)
}

/// The rest of a request after its correlation id.
fn body_of_request(
    mut frame: Bytes,
    api: Api,
    version: i16,
) -> Result<(Option<String>, Request), Malformed> {
    let client_id = if has_client_id(api, version) { client_id(&mut frame)? } else { None };
    if api.is_flexible(version) {
        frame.advance(guard::check_tags(&frame)?);
    }
    guard::check(&frame, Direction::Request, api, version)?;
    Ok((client_id, Request::decode(api, &mut frame, version)?))
}

/// Whether the header has a client id: the very first ControlledShutdown had none.
fn has_client_id(api: Api, version: i16) -> bool {
    (api, version) != (Api::ControlledShutdown, 0)
}

/// A text of two bytes' length, or null.
fn client_id(frame: &mut Bytes) -> Result<Option<String>, Malformed> {
    if frame.len() < 2 {
        return Err(cut_off());
    }
    let length = frame.get_i16();
    if length == -1 {
        return Ok(None);
    }
    let text = usize::try_from(length).ok().and_then(|length| frame.get(..length));
    let text = text.ok_or_else(cut_off)?;
    let text = str::from_utf8(text).map_err(|_| Malformed::new("a client id that is no text"))?;
    let (text, length) = (text.to_owned(), text.len());
    frame.advance(length);
    Ok(Some(text))
}

fn cut_off() -> Malformed {
    Malformed::new("a message that ends within its header")
}

/// One request as a frame with its length in front, in the header version that belongs to it.
///
/// # Panics
/// If a field is set that the version does not have and that cannot be left out.
pub fn request_frame(body: &Request, version: i16, correlation: i32, client_id: &str) -> Bytes {
    let api = body.api();
    let mut frame = begin(body);
    frame.put_i16(api.key());
    frame.put_i16(version);
    frame.put_i32(correlation);
    if has_client_id(api, version) {
        let length = i16::try_from(client_id.len()).expect("client ids are short");
        frame.put_i16(length);
        frame.put_slice(client_id.as_bytes());
    }
    if api.is_flexible(version) {
        frame.put_u8(0);
    }
    if let Err(Malformed(why)) = body.encode(&mut frame, version) {
        panic!("{} request in version {version}: {why}", api.name());
    }
    end(frame)
}

/// One response as a frame with its length in front, in the header version that belongs to it. Fields that the version does
/// not have are left out.
pub fn response_frame(body: &Response, version: i16, correlation: i32) -> Bytes {
    let mut frame = begin(body);
    frame.put_i32(correlation);
    if has_tags_in_response(body.api(), version) {
        frame.put_u8(0);
    }
    let header = frame.len();
    if body.encode(&mut frame, version).is_err() {
        let fitted = fitting::fitted(body.clone(), version);
        frame.truncate(header);
        if let Err(Malformed(why)) = fitted.encode(&mut frame, version) {
            panic!("{} response in version {version}: {why}", body.api().name());
        }
    }
    end(frame)
}

/// Whether the header of a response has tagged fields. Those of ApiVersions never have: who asks does not know yet what the
/// broker speaks (KIP-511).
fn has_tags_in_response(api: Api, version: i16) -> bool {
    api.is_flexible(version) && api != Api::ApiVersions
}

/// Room for everything around the records of most messages.
const AROUND: usize = 240;

/// A buffer that need not grow for most messages, with room for the length. Powers of two are what allocators have ready.
fn begin(body: &impl Body) -> Vec<u8> {
    let mut frame = Vec::with_capacity((AROUND + body.payload()).next_power_of_two());
    frame.put_i32(0);
    frame
}

/// Writes the length.
fn end(mut frame: Vec<u8>) -> Bytes {
    let length = i32::try_from(frame.len() - 4).expect("a message is far smaller than 2 GiB");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Bytes::from(frame)
}

/// The correlation id of a response frame (without its length), to find out what it answers.
pub fn correlation(frame: &Bytes) -> Option<i32> {
    frame.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))
}

/// Reads one frame (without its length) as the response to a request of this API and version.
///
/// # Errors
/// As for [`request`].
pub fn response(mut frame: Bytes, api: Api, version: i16) -> Result<Response, Malformed> {
    if !(0..=versions::highest(api).1).contains(&version) {
        return Err(Malformed::new("a response in a version that nobody asked for"));
    }
    if frame.len() < 4 {
        return Err(cut_off());
    }
    frame.advance(4);
    if has_tags_in_response(api, version) {
        frame.advance(guard::check_tags(&frame)?);
    }
    guard::check(&frame, Direction::Response, api, version)?;
    Response::decode(api, &mut frame, version)
}
