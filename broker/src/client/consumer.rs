//! A consumer of assigned partitions: it finds out where to begin, fetches from the leaders in incremental sessions
//! (KIP-227), verifies every batch, and makes sure after a change of leadership that its position still exists (KIP-320).
//!
//! After an error a partition rests for `retry.backoff.ms` (the Java client asks again at once, as fast as brokers answer).
//! Groups and committed offsets are not here.

mod answers;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafka_protocol::messages as m;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::protocol::StrBytes;
use machine::{Context, Input, Instant};

use super::metadata::Metadata;
use super::network::{Event, Network, Settings};
use super::{ClientConfig, ConsumerConfig, View};
use crate::id::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use crate::note::ClientNote;
use session::Session;

/// `max.in.flight.requests.per.connection`: a consumer has one fetch under way per broker, and seldom anything else.
const IN_FLIGHT_MAX: usize = 100;

/// What a consumer remembers of a request.
#[derive(Debug)]
enum Asked {
    /// Records.
    Fetch,
    /// Where these partitions begin or end.
    Ends(Vec<i32>),
    /// Where the epochs of these partitions' positions end.
    Epochs(Vec<i32>),
}

/// Where it stands in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    /// The next offset to ask for.
    offset: Offset,
    /// The epoch of the batch before it, as far as is known.
    epoch: LeaderEpoch,
    /// The leader epoch in which the position is known to exist.
    sure_in: LeaderEpoch,
}

/// What it does about a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It must ask where the partition begins or ends; `reset` if it had a position before.
    Lost { reset: bool },
    /// The leadership changed: it must ask whether the position still exists.
    Doubting(Position),
    /// It fetches.
    Fetching(Position),
}

/// An assigned partition.
#[derive(Clone, Copy, Debug)]
struct Assigned {
    stage: Stage,
    /// The broker in whose session it is.
    at: Option<BrokerId>,
    /// Rests until then, after an error.
    rests_until: Instant,
}

/// A consumer at work.
#[derive(Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    topic: StrBytes,
    network: Network<Asked>,
    assigned: BTreeMap<i32, Assigned>,
    sessions: BTreeMap<BrokerId, Session>,
    /// Partitions whose beginning or end must be asked for.
    lost: BTreeSet<i32>,
    /// Partitions whose position must be validated.
    doubting: BTreeSet<i32>,
    /// Partitions that rest, by when they go on.
    resting: BTreeSet<(Instant, i32)>,
    events: Vec<Event<Asked>>,
}

impl Consumer {
    /// A consumer that begins now.
    pub fn new(client: &ClientConfig, config: ConsumerConfig) -> Self {
        let metadata = Metadata::new(
            Some(&config.topic),
            &client.bootstrap,
            config.retry_backoff,
            config.metadata_age_max,
        );
        let settings = Settings {
            client_id: client.id.clone(),
            preset: client.preset,
            request_timeout: config.request_timeout,
            in_flight_max: IN_FLIGHT_MAX,
        };
        Self {
            topic: StrBytes::from_string(config.topic.to_string()),
            network: Network::new(settings, metadata),
            assigned: BTreeMap::new(),
            sessions: BTreeMap::new(),
            lost: BTreeSet::new(),
            doubting: BTreeSet::new(),
            resting: BTreeSet::new(),
            events: Vec::new(),
            config,
        }
    }

    /// Takes an input.
    pub fn handle(&mut self, input: &Input, cx: &mut Context<'_, ClientNote>) {
        let mut events = std::mem::take(&mut self.events);
        self.network.handle(input, cx, &mut events);
        let mut moved = !events.is_empty();
        for event in events.drain(..) {
            match event {
                Event::Answered { node, tag, response } => self.answered(node, tag, response, cx),
                Event::Lost { node, tag, why } => self.lost(node, tag, why, cx),
                Event::Learned => self.learned(cx),
                Event::Ready => {}
            }
        }
        self.events = events;
        while let Some((at, partition)) =
            self.resting.first().copied().filter(|(at, _)| *at <= cx.now())
        {
            self.resting.remove(&(at, partition));
            self.settle(partition, cx);
            moved = true;
        }
        if moved {
            self.ask(cx);
        }
        self.network.refresh(cx);
    }

    /// When it wants to be given an input.
    pub fn wake_at(&self) -> Instant {
        let rested = self.resting.first().map_or(Instant::NEVER, |(at, _)| *at);
        rested.min(self.network.wake_at())
    }

    /// What can be seen of it.
    pub fn view(&self) -> View {
        let positions = self.assigned.iter().filter_map(|(partition, assigned)| {
            let position = assigned.stage.position()?;
            Some((self.partition(*partition).to_string(), position.offset))
        });
        View { positions: positions.collect(), ..View::default() }
    }

    fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition { topic: Arc::clone(&self.config.topic), partition }
    }

    /// New metadata: there may be new partitions, other leaders, later epochs.
    fn learned(&mut self, cx: &mut Context<'_, ClientNote>) {
        let known: Vec<(i32, LeaderEpoch)> = self
            .network
            .metadata
            .partitions()
            .iter()
            .map(|(partition, known)| (*partition, known.epoch))
            .filter(|(partition, _)| {
                let only = self.config.partitions.as_ref();
                only.is_none_or(|partitions| partitions.contains(partition))
            })
            .collect();
        for (partition, epoch) in known {
            let assigned = self.assigned.entry(partition).or_insert(Assigned {
                stage: Stage::Lost { reset: false },
                at: None,
                rests_until: Instant::ZERO,
            });
            if let Stage::Fetching(position) = &mut assigned.stage
                && position.sure_in < epoch
            {
                if position.epoch == LeaderEpoch::UNKNOWN {
                    position.sure_in = epoch;
                } else {
                    assigned.stage = Stage::Doubting(*position);
                }
            }
            self.settle(partition, cx);
        }
    }

    /// Puts a partition where it belongs: into a session, or onto a list of what must be asked.
    fn settle(&mut self, partition: i32, cx: &mut Context<'_, ClientNote>) {
        let Some(assigned) = self.assigned.get_mut(&partition) else { return };
        let leader = self.network.metadata.leader(partition);
        if leader.is_none() {
            self.network.metadata.want();
        }
        let rests = assigned.rests_until > cx.now();
        let fetching = matches!(assigned.stage, Stage::Fetching(_));
        let home = leader.filter(|_| fetching && !rests);
        if assigned.at != home {
            if let Some(session) = assigned.at.and_then(|at| self.sessions.get_mut(&at)) {
                session.leave(partition);
            }
            assigned.at = home;
        }
        if let Some(home) = home {
            self.sessions.entry(home).or_insert_with(Session::new).join(partition);
        }
        if rests {
            self.resting.insert((assigned.rests_until, partition));
            return;
        }
        match assigned.stage {
            Stage::Lost { .. } => self.lost.insert(partition),
            Stage::Doubting(_) => self.doubting.insert(partition),
            Stage::Fetching(_) => false,
        };
    }

    /// Something went wrong with a partition: it rests for a while.
    fn rest(&mut self, partition: i32, cx: &mut Context<'_, ClientNote>) {
        let Some(assigned) = self.assigned.get_mut(&partition) else { return };
        assigned.rests_until = cx.now() + self.config.retry_backoff;
        self.lost.remove(&partition);
        self.doubting.remove(&partition);
        self.settle(partition, cx);
    }

    /// Asks whatever can be asked now.
    fn ask(&mut self, cx: &mut Context<'_, ClientNote>) {
        for (leader, partitions) in self.by_ready_leader(&self.lost.clone(), cx) {
            self.ask_ends(leader, partitions, cx);
        }
        for (leader, partitions) in self.by_ready_leader(&self.doubting.clone(), cx) {
            self.ask_epochs(leader, partitions, cx);
        }
        let Self { sessions, network, assigned, .. } = self;
        for (node, session) in sessions {
            if session.is_idle() && network.is_ready(*node, cx) {
                let position = |partition: i32| {
                    let position = assigned.get(&partition)?.stage.position()?;
                    Some((position.offset, position.sure_in))
                };
                let request = session.request(&self.topic, &self.config, position);
                network.send(*node, &request.into(), Some(Asked::Fetch), cx);
            }
        }
    }

    /// These partitions by their leaders, as far as those take requests.
    fn by_ready_leader(
        &mut self,
        partitions: &BTreeSet<i32>,
        cx: &mut Context<'_, ClientNote>,
    ) -> BTreeMap<BrokerId, Vec<i32>> {
        let mut leaders: BTreeMap<BrokerId, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            match self.network.metadata.leader(*partition) {
                Some(leader) => leaders.entry(leader).or_default().push(*partition),
                None => self.network.metadata.want(),
            }
        }
        leaders.retain(|leader, _| self.network.is_ready(*leader, cx));
        leaders
    }

    fn ask_ends(
        &mut self,
        leader: BrokerId,
        partitions: Vec<i32>,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let timestamp = if self.config.from_beginning { -2 } else { -1 };
        let wanted = partitions.iter().map(|partition| {
            self.lost.remove(partition);
            ListOffsetsPartition::default()
                .with_partition_index(*partition)
                .with_current_leader_epoch(self.network.metadata.epoch(*partition).0)
                .with_timestamp(timestamp)
        });
        let topic = ListOffsetsTopic::default()
            .with_name(m::TopicName(self.topic.clone()))
            .with_partitions(wanted.collect());
        let request = m::ListOffsetsRequest::default()
            .with_replica_id(m::BrokerId(-1))
            .with_topics(vec![topic]);
        self.network.send(leader, &request.into(), Some(Asked::Ends(partitions)), cx);
    }

    fn ask_epochs(
        &mut self,
        leader: BrokerId,
        partitions: Vec<i32>,
        cx: &mut Context<'_, ClientNote>,
    ) {
        let wanted = partitions.iter().filter_map(|partition| {
            self.doubting.remove(partition);
            let position = self.assigned.get(partition)?.stage.position()?;
            Some(
                OffsetForLeaderPartition::default()
                    .with_partition(*partition)
                    .with_current_leader_epoch(self.network.metadata.epoch(*partition).0)
                    .with_leader_epoch(position.epoch.0),
            )
        });
        let topic = OffsetForLeaderTopic::default()
            .with_topic(m::TopicName(self.topic.clone()))
            .with_partitions(wanted.collect());
        let request = m::OffsetForLeaderEpochRequest::default()
            .with_replica_id(m::BrokerId(-1))
            .with_topics(vec![topic]);
        self.network.send(leader, &request.into(), Some(Asked::Epochs(partitions)), cx);
    }
}

impl Stage {
    /// The position, if there is one.
    fn position(&self) -> Option<&Position> {
        match self {
            Self::Lost { .. } => None,
            Self::Doubting(position) | Self::Fetching(position) => Some(position),
        }
    }
}
