//! What one run of a question showed: measured from what everybody says while it is played, and from the truth at its end.
//! Nothing is judged here.

use std::collections::{BTreeMap, BTreeSet};

use broker::id::{BrokerId, TopicPartition};
use broker::note::{AdminDid, ClientNote, Decision, Failure, Note};
use coordinator::id::SessionId;
use coordinator::note::{ClientNote as SessionNote, ServerNote};
use machine::{Duration, Instant};
use reports::run::{Outage, Run};

use super::stage::Stage;
use crate::cast::{self, Said};
use crate::play::Behind;

/// Who waits longer than this, waits for an outage.
const PATIENCE: Duration = Duration::from_secs(1);

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its seed.
    pub seed: u64,
    /// Checks that failed, other than for outages and losses that were only counted: the id and what was seen.
    pub broken: Vec<(String, String)>,
    /// The steps with their dates and whom they met.
    pub steps: BTreeMap<String, (Instant, Vec<String>)>,
    /// When they came back.
    pub back: Option<Instant>,
    /// Clients that had some success before the first loss.
    pub began: BTreeSet<String>,
    /// Partitions that had records before the first loss.
    pub written: BTreeSet<i32>,
    /// By partition: from when to when the producer waited in vain.
    pub gaps: BTreeMap<i32, Vec<(Instant, Option<Instant>)>>,
    /// By partition: why the producer tried again or gave up, and when it did so last.
    pub failures: BTreeMap<i32, BTreeMap<Failure, Instant>>,
    /// Records the producer was promised.
    pub promised: u64,
    /// Batches the producer gave up.
    pub given_up: u64,
    /// When each reader was given the first records of a partition.
    pub reads: BTreeMap<(String, i32), Instant>,
    /// Outages of all clients, as every report has them.
    pub outages: Vec<Outage>,
    /// By partition: who was in sync from when on.
    pub states: BTreeMap<i32, Vec<Decided>>,
    /// When sessions of brokers ended: whose, and their time-out in ms.
    pub expired: Vec<(Instant, String, u64)>,
    /// The session time-out each broker was given, in ms.
    pub sessions: BTreeMap<String, u64>,
    /// How admin tools ended, by the name of their step.
    pub admins: BTreeMap<String, AdminDid>,
    /// Lost records by what allows it (`acks=1`, `E2`); an empty word for nothing.
    pub lost: BTreeMap<&'static str, u64>,
    /// Nodes that would not start, when and why.
    pub refused: Vec<(Instant, String, String)>,
    /// What is so at the end.
    pub end: End,
}

/// Who is in sync from an instant on.
#[derive(Clone, Debug)]
pub struct Decided {
    /// When.
    pub at: Instant,
    /// Who is in sync.
    pub isr: Vec<BrokerId>,
    /// What the controller decided it for; `None` where the leader did it.
    pub by: Option<Decision>,
}

/// The truth at the end of a run.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// When that is.
    pub at: Instant,
    /// Whether the ensemble of the brokers has a leader with a quorum.
    pub quorum: bool,
    /// How many servers vote in it.
    pub voters: usize,
    /// Those of them that are up.
    pub servers_up: Vec<String>,
    /// How many ensembles there are: with more than one, the servers do not know each other.
    pub ensembles: usize,
    /// Brokers that are up and serve.
    pub brokers_up: Vec<String>,
    /// By partition: the leader, if there is one that is up.
    pub leaders: BTreeMap<i32, Option<String>>,
    /// By partition: a leader that is gone, and that ZooKeeper still has as registered.
    pub counted_on: BTreeMap<i32, String>,
    /// By partition: who is in sync, by ZooKeeper.
    pub isr: BTreeMap<i32, Vec<String>>,
    /// By partition: its replicas.
    pub replicas: BTreeMap<i32, Vec<String>>,
    /// Partitions of all topics without a leader that is registered, by ZooKeeper.
    pub offline: usize,
}

/// Listens to a run.
pub struct Ears<'s> {
    stage: &'s Stage,
    topic: &'s str,
    seen: Seen,
    lines: BTreeMap<i32, Waiting>,
    owners: BTreeMap<SessionId, String>,
}

/// What a producer waits for at one partition.
#[derive(Default)]
struct Waiting {
    batches: BTreeMap<u64, Instant>,
    answered: Instant,
    out_since: Option<Instant>,
}

impl Waiting {
    /// Since when something waits and nothing is answered.
    fn since(&self) -> Option<Instant> {
        let oldest = self.batches.values().next().map(|since| self.answered.max(*since));
        match (self.out_since, oldest) {
            (Some(out), Some(oldest)) => Some(out.min(oldest)),
            (out, oldest) => out.or(oldest),
        }
    }
}

impl<'s> Ears<'s> {
    /// For one run of this.
    pub fn new(stage: &'s Stage, seed: u64) -> Self {
        let topic = stage.topic.as_ref().map_or("", |worked| worked.topic.name.as_str());
        let seen = Seen { seed, ..Seen::default() };
        Self { stage, topic, seen, lines: BTreeMap::new(), owners: BTreeMap::new() }
    }

    /// Somebody says something.
    pub fn hear(&mut self, at: Instant, who: &str, said: &Said) {
        match said {
            Said::Kafka(note) => self.hear_client(at, who, note),
            Said::Broker(note) => self.hear_broker(at, who, note),
            Said::Client(SessionNote::Completed { .. }) if who == self.stage.names.session => {
                self.began(at, who);
            }
            Said::Server(ServerNote::SessionExpired { session, timeout_ms, .. }) => {
                if let Some(owner) = self.owners.get(session) {
                    self.seen.expired.push((at, owner.clone(), *timeout_ms));
                }
            }
            Said::Server(ServerNote::RefusedToStart(why)) => {
                self.seen.refused.push((at, who.to_owned(), why.clone()));
            }
            Said::Server(_) | Said::Client(_) | Said::Guest(_) => {}
        }
    }

    fn began(&mut self, at: Instant, who: &str) {
        let lost = Instant::ZERO + self.stage.lost_at();
        // Whoever begins only just before the loss was too late to be watched without it.
        if at + Duration::from_secs(2) < lost && !self.seen.began.contains(who) {
            self.seen.began.insert(who.to_owned());
        }
    }

    fn hear_client(&mut self, at: Instant, who: &str, note: &ClientNote) {
        match note {
            ClientNote::Produced { partition, batch, .. } => {
                let waiting = self.lines.entry(partition.partition).or_default();
                waiting.batches.insert(*batch, at);
            }
            ClientNote::Acked { partition, batch, records, .. } => {
                self.began(at, who);
                self.seen.promised += u64::from(*records);
                if at < Instant::ZERO + self.stage.lost_at() {
                    self.seen.written.insert(partition.partition);
                }
                let waiting = self.lines.entry(partition.partition).or_default();
                if let Some(since) = waiting.since().filter(|since| *since + PATIENCE < at) {
                    let gaps = self.seen.gaps.entry(partition.partition).or_default();
                    gaps.push((since, Some(at)));
                }
                waiting.batches.remove(batch);
                (waiting.answered, waiting.out_since) = (at, None);
            }
            ClientNote::Retrying { partition, because, .. } => {
                let failures = self.seen.failures.entry(partition.partition).or_default();
                failures.insert(*because, at);
            }
            ClientNote::GaveUp { partition, batch, because } => {
                self.seen.given_up += 1;
                let failures = self.seen.failures.entry(partition.partition).or_default();
                failures.insert(*because, at);
                let waiting = self.lines.entry(partition.partition).or_default();
                waiting.out_since = waiting.since();
                waiting.batches.remove(batch);
            }
            ClientNote::Consumed { partition, .. } => {
                self.began(at, who);
                let key = (who.to_owned(), partition.partition);
                self.seen.reads.entry(key).or_insert(at);
            }
            ClientNote::AdminDone { id, did } => {
                self.seen.admins.insert(id.to_string(), did.clone());
            }
            _ => {}
        }
    }

    fn hear_broker(&mut self, at: Instant, who: &str, note: &Note) {
        match note {
            Note::Session(SessionNote::Connected { session, timeout_ms, .. }) => {
                self.owners.insert(*session, who.to_owned());
                self.seen.sessions.insert(who.to_owned(), *timeout_ms);
            }
            Note::RefusedToStart(why) => {
                self.seen.refused.push((at, who.to_owned(), why.clone()));
            }
            Note::StateWritten { partition, isr, by, .. } => {
                let decided = Decided { at, isr: isr.to_vec(), by: Some(*by) };
                self.decided(partition, decided);
            }
            Note::IsrCached { partition, isr, .. } => {
                let decided = Decided { at, isr: isr.to_vec(), by: None };
                self.decided(partition, decided);
            }
            _ => {}
        }
    }

    fn decided(&mut self, partition: &TopicPartition, decided: Decided) {
        if *partition.topic == *self.topic {
            self.seen.states.entry(partition.partition).or_default().push(decided);
        }
    }

    /// The run has ended: this is what it left.
    pub fn done(mut self, run: &Run, stage: &cast::Stage) -> Seen {
        let at = stage.world.now();
        for (partition, waiting) in &self.lines {
            if let Some(since) = waiting.since().filter(|since| *since + PATIENCE < at) {
                self.seen.gaps.entry(*partition).or_default().push((since, None));
            }
        }
        let counted = ["outage", "expect"];
        let broken = run.violations.iter().filter(|one| !counted.contains(&one.check.as_str()));
        self.seen.broken = broken.map(|one| (one.check.clone(), one.message.clone())).collect();
        self.seen.outages = run.outages.clone();
        for step in &run.steps {
            let named = |name: &&str| stage.nodes.contains_key(*name);
            let words = step.did.split([' ', ',']).filter(named).map(str::to_owned).collect();
            self.seen.steps.insert(step.id.clone(), (Instant::from_micros(step.at), words));
        }
        self.seen.back = self.seen.steps.get(&self.stage.back_id).map(|(at, _)| *at);
        for loss in stage.scene.kafka.losses() {
            let by = loss.by.map_or("", |by| by.id());
            *self.seen.lost.entry(by).or_default() += loss.records;
        }
        self.seen.end = end(at, self.topic, stage);
        self.seen
    }
}

fn end(at: Instant, topic: &str, stage: &cast::Stage) -> End {
    let (scene, world) = (&stage.scene, &stage.world);
    let kafka = &scene.kafka;
    let name = |node| world.name_of(node).to_owned();
    let members: Vec<_> = scene.members(kafka.ensemble).collect();
    let voters = members.iter().map(|(_, server)| server.membership.voters).max();
    let up = |node: &sim::world::NodeId| world.is_up(*node);
    let serving = kafka.brokers.iter().filter(|one| up(&one.node) && one.is_serving);
    let names: BTreeMap<_, _> =
        kafka.brokers.iter().map(|one| (one.id, one.name.clone())).collect();
    let called =
        |ids: &[BrokerId]| ids.iter().filter_map(|id| names.get(id).cloned()).collect::<Vec<_>>();
    let mut end = End {
        at,
        quorum: scene.leader(kafka.ensemble, &Behind(world)).is_some(),
        voters: voters.unwrap_or_default(),
        servers_up: members.iter().map(|(node, _)| *node).filter(up).map(name).collect(),
        ensembles: scene.ensembles.len(),
        brokers_up: serving.map(|one| one.name.clone()).collect(),
        ..End::default()
    };
    for described in kafka.describe() {
        for one in &described.partitions {
            let leader = kafka.node_of(one.leader).filter(up);
            let is_registered =
                kafka.node_of(one.leader).is_some() && kafka.has_registered(one.leader);
            end.offline += usize::from(!is_registered);
            if described.topic == topic {
                if leader.is_none() && kafka.has_registered(one.leader) {
                    end.counted_on
                        .extend(names.get(&one.leader).map(|who| (one.number, who.clone())));
                }
                end.leaders.insert(one.number, leader.map(name));
                end.isr.insert(one.number, called(&one.isr));
                end.replicas.insert(one.number, called(&one.replicas));
            }
        }
    }
    end
}
