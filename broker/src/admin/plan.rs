//! A request taken apart: its jobs, and what came of each part.

use std::collections::VecDeque;

use kafka_protocol::protocol::StrBytes;

use super::job::{Found, Job};
use super::{Kind, Outcome, Refusal, Work};
use crate::replica::RequestId;
use crate::wire::error;

/// Jobs and outcomes that grow together.
#[derive(Default)]
pub(super) struct Plan {
    pub jobs: VecDeque<(usize, Job)>,
    pub outcomes: Vec<Outcome>,
}

impl Plan {
    /// Something that is to be done, or why it is not.
    pub(super) fn add(&mut self, name: String, job: Result<Job, Refusal>) {
        let result = match job {
            Ok(job) => {
                self.jobs.push_back((self.outcomes.len(), job));
                Ok(Found::Nothing)
            }
            Err(refusal) => Err(refusal),
        };
        self.outcomes.push(Outcome { name, result });
    }

    /// The request as it is worked off.
    pub(super) fn work(self, id: RequestId, kind: Kind, version: i16, timeout_ms: i32) -> Work {
        let Self { jobs, outcomes } = self;
        Work { id, kind, version, jobs, outcomes, timeout_ms, validate_only: false }
    }
}

/// The error and its words.
pub(super) fn told(result: &Result<Found, Refusal>) -> (i16, Option<StrBytes>) {
    match result {
        Ok(_) => (error::NONE, None),
        Err(Refusal { error, why }) => (*error, why.clone().map(StrBytes::from_string)),
    }
}
