//! What the last note changed, with names looked up and the former values beside the new ones: checks read this.

use std::sync::Arc;

use broker::id::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, Offset};
use broker::zk::znode::State;

use super::batches::Batch;
use super::{BrokerKey, ClientKey, PartitionKey};

/// A replica: a partition's copy on one broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// On which broker.
    pub broker: BrokerKey,
    /// Of which partition.
    pub partition: PartitionKey,
}

/// One change. A note may make several.
#[derive(Clone, Debug)]
pub enum Event {
    // -- brokers
    /// A replica was found when its broker started.
    Opened(At, Box<Opened>),
    /// A broker leads.
    Leads(At, Reign),
    /// A broker follows.
    Follows(At, Reign),
    /// A batch is in a log.
    Appended {
        /// Where.
        at: At,
        /// Which.
        batch: Batch,
        /// Whether it was appended as leader.
        leads: bool,
    },
    /// A high watermark is another.
    HighWatermark {
        /// Where.
        at: At,
        /// The former.
        was: Offset,
        /// The new one.
        to: Offset,
        /// Whether it is the leader's.
        leads: bool,
    },
    /// A replica holds another batch below its high watermark than is committed there.
    Diverged {
        /// Where.
        at: At,
        /// From this offset on.
        from: Offset,
    },
    /// The end of a log was cut off.
    Truncated {
        /// Where.
        at: At,
        /// The log end before.
        was: Offset,
        /// The log end now.
        to: Offset,
    },
    /// The first offset of a log is another.
    LogStart {
        /// Where.
        at: At,
        /// The log end before.
        end: Offset,
        /// The high watermark before.
        high_watermark: Offset,
        /// The new first offset.
        to: Offset,
    },
    /// A leader uses another ISR from now on.
    IsrCached(At),
    /// A leader has promised records.
    Acknowledged {
        /// Where.
        at: At,
        /// The first offset.
        base: Offset,
        /// The last one.
        last: Offset,
        /// Whether all of them are in its log.
        held: bool,
    },
    /// Promised records are gone: the last in the scene's list of losses has grown by so many batches.
    Lost {
        /// Which of the losses.
        index: usize,
        /// How many records more.
        records: u64,
    },
    /// A control request goes out.
    ControlSent {
        /// By whom.
        by: BrokerKey,
        /// In whose name.
        epoch: ControllerEpoch,
        /// To whom.
        to: BrokerId,
        /// Which.
        what: &'static str,
    },
    /// A control request was obeyed.
    ControlApplied {
        /// By whom.
        by: BrokerKey,
        /// From whom.
        from: BrokerId,
        /// The controller's epoch in it.
        epoch: ControllerEpoch,
        /// The newest controller epoch this broker had obeyed in this life.
        seen: ControllerEpoch,
        /// For which registration.
        broker_epoch: BrokerEpoch,
        /// Which.
        what: &'static str,
    },
    /// A checkpoint is in place.
    Checkpointed(BrokerKey),

    // -- clients
    /// A producer was promised a batch.
    Acked {
        /// By whom.
        client: ClientKey,
        /// Where.
        partition: PartitionKey,
        /// Which batch of its own.
        number: u64,
        /// The offset it was told.
        base: Offset,
        /// How many records.
        count: u32,
        /// The content.
        crc: u32,
        /// Whether a broker has promised this very batch at this very offset.
        promised: bool,
    },
    /// A producer was told that nothing was appended, and it was: by a request that was never sent before.
    AppendedAfterAll {
        /// The producer.
        client: ClientKey,
        /// Where.
        partition: PartitionKey,
        /// Which batch of its own.
        number: u64,
        /// Where it is.
        base: Offset,
        /// What it was told.
        error: i16,
    },
    /// A consumer was given a batch.
    Consumed {
        /// The consumer.
        client: ClientKey,
        /// From where.
        partition: PartitionKey,
        /// The first offset.
        base: Offset,
        /// The last offset.
        last: Offset,
        /// Where it wanted to go on, if it was there before.
        wanted: Option<Offset>,
        /// Where another content had been given to somebody.
        differs_at: Option<Offset>,
    },
    /// A consumer was given a batch with a wrong checksum.
    CorruptBatch {
        /// The consumer.
        client: ClientKey,
        /// From where.
        partition: PartitionKey,
        /// The first offset.
        base: Offset,
    },

    // -- ZooKeeper
    /// A partition's state is another.
    State {
        /// Whose.
        partition: PartitionKey,
        /// Before.
        was: Option<Arc<State>>,
        /// Now.
        now: Arc<State>,
    },
    /// A topic has an assignment, or another one.
    Assigned {
        /// The topic.
        topic: Arc<str>,
        /// Before: replicas by partition.
        was: Arc<Assignment>,
        /// Now.
        now: Arc<Assignment>,
    },
    /// A topic is gone from below `/brokers/topics`.
    TopicGone(Arc<str>),
    /// A topic is no longer marked for deletion.
    DeletionDone(Arc<str>),
    /// `/controller_epoch` is another.
    ControllerEpoch {
        /// Before.
        was: Option<ControllerEpoch>,
        /// Now.
        now: ControllerEpoch,
        /// Who became controller in the same transaction.
        with: Option<BrokerId>,
    },
    /// `/controller` was created.
    Controller {
        /// Who it is.
        id: BrokerId,
        /// Whether `/controller_epoch` was set in the same transaction.
        counted: bool,
    },
}

/// The kinds of events, in the order of [`Event`]: checks say which they want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Event::Opened`]
    Opened,
    /// [`Event::Leads`]
    Leads,
    /// [`Event::Follows`]
    Follows,
    /// [`Event::Appended`]
    Appended,
    /// [`Event::HighWatermark`]
    HighWatermark,
    /// [`Event::Diverged`]
    Diverged,
    /// [`Event::Truncated`]
    Truncated,
    /// [`Event::LogStart`]
    LogStart,
    /// [`Event::IsrCached`]
    IsrCached,
    /// [`Event::Acknowledged`]
    Acknowledged,
    /// [`Event::Lost`]
    Lost,
    /// [`Event::ControlSent`]
    ControlSent,
    /// [`Event::ControlApplied`]
    ControlApplied,
    /// [`Event::Checkpointed`]
    Checkpointed,
    /// [`Event::Acked`]
    Acked,
    /// [`Event::AppendedAfterAll`]
    AppendedAfterAll,
    /// [`Event::Consumed`]
    Consumed,
    /// [`Event::CorruptBatch`]
    CorruptBatch,
    /// [`Event::State`]
    State,
    /// [`Event::Assigned`]
    Assigned,
    /// [`Event::TopicGone`]
    TopicGone,
    /// [`Event::DeletionDone`]
    DeletionDone,
    /// [`Event::ControllerEpoch`]
    ControllerEpoch,
    /// [`Event::Controller`]
    Controller,
}

impl Kind {
    /// How many there are.
    pub const COUNT: usize = Self::Controller as usize + 1;
}

impl Event {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Opened(..) => Kind::Opened,
            Self::Leads(..) => Kind::Leads,
            Self::Follows(..) => Kind::Follows,
            Self::Appended { .. } => Kind::Appended,
            Self::HighWatermark { .. } => Kind::HighWatermark,
            Self::Diverged { .. } => Kind::Diverged,
            Self::Truncated { .. } => Kind::Truncated,
            Self::LogStart { .. } => Kind::LogStart,
            Self::IsrCached(..) => Kind::IsrCached,
            Self::Acknowledged { .. } => Kind::Acknowledged,
            Self::Lost { .. } => Kind::Lost,
            Self::ControlSent { .. } => Kind::ControlSent,
            Self::ControlApplied { .. } => Kind::ControlApplied,
            Self::Checkpointed(..) => Kind::Checkpointed,
            Self::Acked { .. } => Kind::Acked,
            Self::AppendedAfterAll { .. } => Kind::AppendedAfterAll,
            Self::Consumed { .. } => Kind::Consumed,
            Self::CorruptBatch { .. } => Kind::CorruptBatch,
            Self::State { .. } => Kind::State,
            Self::Assigned { .. } => Kind::Assigned,
            Self::TopicGone(..) => Kind::TopicGone,
            Self::DeletionDone(..) => Kind::DeletionDone,
            Self::ControllerEpoch { .. } => Kind::ControllerEpoch,
            Self::Controller { .. } => Kind::Controller,
        }
    }
}

/// Replicas by partition.
pub type Assignment = std::collections::BTreeMap<i32, Vec<BrokerId>>;

/// A replica as it was before a broker's last life ended, and as it was found.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whether the shutdown was clean, as the broker believes.
    pub clean: bool,
    /// Whether power was lost, or the disk damaged or emptied, since the last life.
    pub rough: Rough,
    /// Whether the replica was known before.
    pub known: bool,
    /// The log end before.
    pub end: Offset,
    /// The furthest log end in the last life.
    pub peak: Offset,
    /// Whether a batch ended where the log ends now.
    pub on_boundary: bool,
    /// What was found.
    pub found: broker::note::Recovered,
    /// The epochs of the batches that are left, with the first offset of each.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
}

/// What happened to a broker's disk between two lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rough {
    /// Nothing: the page cache is still there.
    #[default]
    No,
    /// The power went off: what was not synced may be gone.
    PowerLost,
    /// The disk lied or its bytes changed: anything may be gone.
    Damaged,
    /// The disk was emptied.
    Wiped,
}

/// What a broker said when it began to lead or to follow.
#[derive(Clone, Copy, Debug)]
pub struct Reign {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// By which controller's decision.
    pub controller_epoch: ControllerEpoch,
    /// The epoch it was in before, in this life.
    pub was: LeaderEpoch,
    /// Its log end offset.
    pub log_end: Offset,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// Whether ZooKeeper knows the topic at all.
    pub exists: bool,
}
