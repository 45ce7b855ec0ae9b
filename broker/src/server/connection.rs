//! One accepted connection: what has arrived on it, and whether more of it may be read.

use machine::Frames;

use crate::wire::versions::Versions;
use crate::wire::{Asked, Request, Unanswerable, request};

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The next whole frame is read.
    Reading,
    /// There is something to read, but no room in the request queue.
    Stalled,
    /// A request waits in the queue or is carried out; nothing is read meanwhile.
    UnderWay,
    /// The response waits for the peer to take it.
    Sending,
}

/// What a frame turned out to be.
#[derive(Clone, Debug)]
pub(super) struct Next {
    /// The version the answer is to be in.
    pub version: i16,
    /// The client's own number of the request.
    pub correlation: i32,
    /// What is asked; `None` for ApiVersions in a version that is not known here, the only such request that is answered.
    pub body: Option<Request>,
}

/// What arrived is too long, no request, or not spoken: Kafka closes the connection without a word.
#[derive(Debug)]
pub(super) struct NotServed;

/// The connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// The place of its listener in `listeners`.
    pub listener: usize,
    pub frames: Frames,
    pub stage: Stage,
}

impl Connection {
    pub fn new(listener: usize, frame_max: usize) -> Self {
        Self { listener, frames: Frames::new(frame_max), stage: Stage::Reading }
    }

    /// The next request, if its frame is whole.
    ///
    /// # Errors
    /// It cannot be answered.
    pub fn next(&mut self, spoken: &Versions) -> Result<Option<Next>, NotServed> {
        let Some(frame) = self.frames.take().map_err(|_| NotServed)? else { return Ok(None) };
        match request(frame, spoken) {
            Ok(Asked { version, correlation, body, .. }) => {
                Ok(Some(Next { version, correlation, body: Some(body) }))
            }
            Err(Unanswerable::ApiVersions { correlation }) => {
                Ok(Some(Next { version: 0, correlation, body: None }))
            }
            Err(Unanswerable::Unsupported { .. } | Unanswerable::Malformed(_)) => Err(NotServed),
        }
    }
}
