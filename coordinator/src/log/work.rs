//! Work on the disk that takes more than one input: it goes on in slices, waits for tickets, ends or gives up.
//!
//! A piece of work is a value with stages; it changes its stage only when a call has succeeded, so that doing the
//! call again after [`DiskError::WouldBlock`] is always right.

use machine::{DiskError, Input, Ticket};

/// What a piece of work waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// It has done a slice: it goes on when woken, which it wants at once.
    Slice,
    /// The disk is busy; the same call again when this ticket is ready.
    Blocked(Ticket),
    /// A sync of something.
    Sync(Ticket, &'static str),
}

/// Why a piece of work gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The disk said no while this was done.
    Failed(&'static str, DiskError),
    /// What is there cannot be trusted.
    Unreadable(String),
}

/// Why a piece of work returns before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Wait(Wait),
    Stop(Stop),
}

impl Pause {
    /// Lets others have their turn.
    pub const SLICE: Self = Self::Wait(Wait::Slice);

    pub fn unreadable(why: impl Into<String>) -> Self {
        Self::Stop(Stop::Unreadable(why.into()))
    }
}

/// Turns the answer of a disk call into a pause.
pub(super) trait OrPause<T> {
    /// `what` was being done.
    fn or_pause(self, what: &'static str) -> Result<T, Pause>;
}

impl<T> OrPause<T> for Result<T, DiskError> {
    fn or_pause(self, what: &'static str) -> Result<T, Pause> {
        self.map_err(|error| match error {
            DiskError::WouldBlock(ticket) => Pause::Wait(Wait::Blocked(ticket)),
            error => Pause::Stop(Stop::Failed(what, error)),
        })
    }
}

/// `NotFound` is as good as done.
pub(super) fn gone(answer: Result<(), DiskError>) -> Result<(), DiskError> {
    match answer {
        Err(DiskError::NotFound) => Ok(()),
        answer => answer,
    }
}

/// A piece of work under way.
#[derive(Clone, Debug)]
pub(super) struct Running<W> {
    pub work: W,
    wait: Wait,
}

impl<W> Running<W> {
    /// Begins when next woken.
    pub fn new(work: W) -> Self {
        Self { work, wait: Wait::Slice }
    }

    /// Whether it wants to be woken at once.
    pub fn wants_a_slice(&self) -> bool {
        self.wait == Wait::Slice
    }

    /// Goes on if `input` is what the work in `slot` waits for. The slot is empty again when the work has ended or stopped.
    pub fn go_on<T>(
        slot: &mut Option<Self>,
        input: &Input,
        go: impl FnOnce(&mut W) -> Result<T, Pause>,
    ) -> Option<Result<T, Stop>> {
        let running = slot.as_mut()?;
        let came = match (running.wait, input) {
            (Wait::Slice, Input::Woke) => Ok(()),
            (Wait::Blocked(waited), Input::Ready { ticket }) if waited == *ticket => Ok(()),
            (Wait::Sync(waited, what), Input::Synced { ticket, result }) if waited == *ticket => {
                result.or_pause(what)
            }
            _ => return None,
        };
        match came.and_then(|()| go(&mut running.work)) {
            Ok(done) => {
                *slot = None;
                Some(Ok(done))
            }
            Err(Pause::Wait(wait)) => {
                running.wait = wait;
                None
            }
            Err(Pause::Stop(stop)) => {
                *slot = None;
                Some(Err(stop))
            }
        }
    }
}
