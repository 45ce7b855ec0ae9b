//! Elections on demand that are held and not answered: the operator hears of a new leader when this broker's own metadata
//! shows it (`DelayedElectLeader`, before 2.4 `DelayedElectPreferredLeader`), or when the request's time is over.
//!
//! Not here: who is elected, and the words of the answer ([`crate::controller`]).

use machine::{Context, Instant};

use super::Running;
use crate::controller::{self, Elected};
use crate::id::{BrokerId, TopicPartition};
use crate::metadata::Cache;
use crate::note::Note;
use crate::wire::{Response, error};

/// Requests that wait.
#[derive(Default)]
pub(super) struct Elections {
    waiting: Vec<Elected>,
}

impl Elections {
    /// One more; who is refused or elected already does not wait, but for the others of its request.
    pub fn add(&mut self, elected: Elected) {
        self.waiting.push(elected);
    }

    /// When the time of the first one is over.
    pub fn wake_at(&self) -> Option<Instant> {
        self.waiting.iter().map(|elected| elected.until).min()
    }

    /// Those that are to be answered now.
    fn over(&mut self, metadata: &Cache, now: Instant) -> Vec<Elected> {
        let is_over = |elected: &Elected| {
            let mut results = elected.results.iter();
            elected.until <= now
                || !results.any(|(name, result)| is_unseen(name, *result, metadata))
        };
        let waiting = std::mem::take(&mut self.waiting);
        let (over, waiting) = waiting.into_iter().partition(is_over);
        self.waiting = waiting;
        over
    }
}

impl Running {
    /// The metadata may show new leaders, or time may be over.
    pub(super) fn elections_seen(&mut self, cx: &mut Context<'_, Note>) {
        for elected in self.elections.over(&self.metadata, cx.now()) {
            let id = elected.id;
            self.server.answer(id, &answer(elected, &self.metadata), cx);
        }
    }
}

/// Whether a new leader cannot be seen yet.
fn is_unseen(name: &TopicPartition, result: Result<BrokerId, i16>, metadata: &Cache) -> bool {
    let seen = metadata.partition(&name.topic, name.partition).map(|known| known.leader);
    result.is_ok_and(|leader| seen != Some(leader))
}

/// What was elected and cannot be seen yet has timed out.
fn answer(mut elected: Elected, metadata: &Cache) -> Response {
    for (name, result) in &mut elected.results {
        if is_unseen(name, *result, metadata) {
            *result = Err(error::REQUEST_TIMED_OUT);
        }
    }
    controller::elections(elected.version, &elected.results)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages as m;
    use m::update_metadata_request::UpdateMetadataPartitionState;
    use machine::Duration;

    use super::*;
    use crate::replica::RequestId;

    fn orders(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    /// Broker 2 was elected for `orders-0`, nobody for `orders-1`.
    fn elected(until: Instant) -> Elected {
        let none = Err(error::PREFERRED_LEADER_NOT_AVAILABLE);
        let results = [(orders(0), Ok(BrokerId(2))), (orders(1), none)].into();
        Elected { id: RequestId(1), version: 2, until, results }
    }

    fn led_by(leader: i32) -> Cache {
        let state = UpdateMetadataPartitionState::default()
            .with_topic_name(m::TopicName("orders".to_owned().into()))
            .with_leader(m::BrokerId(leader));
        let mut cache = Cache::default();
        let request = m::UpdateMetadataRequest::default();
        cache.update(&request.with_ungrouped_partition_states(vec![state]));
        cache
    }

    fn codes(elected: Elected, metadata: &Cache) -> Vec<(i16, Option<String>)> {
        let Response::ElectLeaders(body) = answer(elected, metadata) else { unreachable!() };
        let results = body.replica_election_results.into_iter().flat_map(|it| it.partition_result);
        let words = |words: kafka_protocol::protocol::StrBytes| words.to_string();
        results.map(|it| (it.error_code, it.error_message.map(words))).collect()
    }

    #[test]
    fn an_election_is_answered_when_the_metadata_shows_it() {
        let (now, until) = (Instant::ZERO, Instant::ZERO + Duration::from_secs(30));
        let mut elections = Elections::default();
        elections.add(elected(until));
        assert_eq!(elections.over(&led_by(1), now), []);
        assert_eq!(elections.wake_at(), Some(until));
        assert_eq!(elections.over(&led_by(2), now), [elected(until)]);
        assert_eq!(elections.wake_at(), None);
        let refused = Some(
            "Failed to elect leader for partition orders-1 under strategy \
                       PreferredReplicaPartitionLeaderElectionStrategy"
                .to_owned(),
        );
        let refused = (error::PREFERRED_LEADER_NOT_AVAILABLE, refused);
        assert_eq!(codes(elected(until), &led_by(2)), [(error::NONE, None), refused]);
    }

    #[test]
    fn what_cannot_be_seen_in_time_has_timed_out() {
        let until = Instant::ZERO + Duration::from_secs(30);
        let mut elections = Elections::default();
        elections.add(elected(until));
        assert_eq!(elections.over(&led_by(1), until), [elected(until)]);
        assert_eq!(codes(elected(until), &led_by(1))[0], (error::REQUEST_TIMED_OUT, None));
    }
}
