//! What a broker and a Kafka client say: typed facts, said where they become true. Checks fold them, the timeline prints
//! them, live mode logs them.

mod client;
mod words;

use std::sync::Arc;

use coordinator::note::ClientNote as SessionNote;
use machine::{DiskError, Level};
use serde::Serialize;

use crate::id::{BrokerEpoch, BrokerId, ControllerEpoch, LeaderEpoch, Offset, TopicPartition};

pub use client::{AdminDid, ClientNote, Failure};

/// What a broker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Note {
    /// Its ZooKeeper session client speaks.
    Session(SessionNote),

    // -- a life
    /// The logs were read: this is what the broker now stands for. Said once per life, before anything is served.
    LogsOpened {
        /// Whether the last life ended with a clean shutdown (its marker was found).
        clean: bool,
        /// What was found, by partition.
        replicas: Arc<[Recovered]>,
    },
    /// It will not run, and why.
    RefusedToStart(String),
    /// Its znode below `/brokers/ids` is there.
    Registered {
        /// The czxid of the znode.
        epoch: BrokerEpoch,
    },
    /// It answers requests from now on.
    Serving,
    /// It was asked to stop; with controlled shutdown, leaders are moved first.
    ShuttingDown {
        /// Whether it asks the controller.
        controlled: bool,
    },
    /// The controller moved what could be moved.
    ControlledShutdownDone {
        /// Partitions it still leads.
        remaining: u32,
    },
    /// A disk call failed: the log directory is offline, and with the only one the broker.
    LogDirFailed(DiskError),
    /// All request handlers wait for ZooKeeper, a disk or a frozen partition: nothing is answered any more.
    HandlersExhausted {
        /// How many there are (`num.io.threads`).
        of: u32,
    },
    /// A handler is free again.
    HandlersFree,

    // -- the controller
    /// It won `/controller`.
    ControllerElected {
        /// Its epoch.
        epoch: ControllerEpoch,
    },
    /// It is the controller no longer.
    ControllerResigned {
        /// The epoch it had.
        epoch: ControllerEpoch,
        /// Why.
        because: &'static str,
    },
    /// The controller has seen the registered brokers change.
    BrokersChanged {
        /// Come.
        new: Arc<[BrokerId]>,
        /// Gone.
        gone: Arc<[BrokerId]>,
        /// Gone and come again between two looks.
        bounced: Arc<[BrokerId]>,
    },
    /// The controller's decision about a partition is in ZooKeeper.
    StateWritten {
        /// The partition.
        partition: TopicPartition,
        /// The controller that decided.
        controller_epoch: ControllerEpoch,
        /// The leader, `NONE` if there is none.
        leader: BrokerId,
        /// Its epoch.
        epoch: LeaderEpoch,
        /// The in-sync replicas.
        isr: Arc<[BrokerId]>,
        /// What it was decided for.
        by: Decision,
    },
    /// A control request goes out (also when it is sent again).
    ControlSent {
        /// To whom.
        to: BrokerId,
        /// In the name of this controller epoch.
        controller_epoch: ControllerEpoch,
        /// `LeaderAndIsr`, `UpdateMetadata`, `StopReplica`.
        what: &'static str,
    },
    /// A control request was obeyed.
    ControlApplied {
        /// From whom.
        controller: BrokerId,
        /// In the name of this controller epoch.
        controller_epoch: ControllerEpoch,
        /// For this registration, `UNKNOWN` if not said.
        broker_epoch: BrokerEpoch,
        /// Which.
        what: &'static str,
    },
    /// A control request was refused.
    ControlRefused {
        /// From whom.
        controller: BrokerId,
        /// In the name of this controller epoch.
        controller_epoch: ControllerEpoch,
        /// Why (`stale controller epoch`, `stale broker epoch`, …).
        because: &'static str,
        /// Which.
        what: &'static str,
    },

    // -- partitions
    /// It leads.
    BecameLeader {
        /// What.
        partition: TopicPartition,
        /// Since this epoch.
        epoch: LeaderEpoch,
        /// By this controller's decision.
        controller_epoch: ControllerEpoch,
        /// With these in sync, as it now believes.
        isr: Arc<[BrokerId]>,
        /// The version of the state znode it believes in.
        zk_version: i32,
        /// Where its epoch starts: its log end offset.
        log_end: Offset,
        /// Its high watermark.
        high_watermark: Offset,
    },
    /// It follows.
    BecameFollower {
        /// What.
        partition: TopicPartition,
        /// Since this epoch.
        epoch: LeaderEpoch,
        /// By this controller's decision.
        controller_epoch: ControllerEpoch,
        /// Whom; `NONE` if nobody leads.
        leader: BrokerId,
        /// Its log end offset.
        log_end: Offset,
        /// Its high watermark.
        high_watermark: Offset,
    },
    /// It is no replica any more, or its replica stopped.
    ReplicaStopped {
        /// Of what.
        partition: TopicPartition,
        /// Whether its files go, too.
        deleted: bool,
    },
    /// A batch is in its log (page cache).
    Appended {
        /// Of what.
        partition: TopicPartition,
        /// The leader epoch in the batch.
        epoch: LeaderEpoch,
        /// Its first offset.
        base: Offset,
        /// Its last offset.
        last: Offset,
        /// The checksum in the batch: it stands for the content, whoever holds it.
        crc: u32,
        /// Whether it was appended as leader.
        leads: bool,
    },
    /// Its high watermark is another.
    HighWatermark {
        /// Of what.
        partition: TopicPartition,
        /// The new one, exclusive.
        to: Offset,
        /// Whether it leads.
        leads: bool,
    },
    /// It cut off the end of its log.
    Truncated {
        /// Of what.
        partition: TopicPartition,
        /// The log end afterwards.
        to: Offset,
        /// The log end before.
        was: Offset,
        /// The high watermark before.
        high_watermark: Offset,
    },
    /// The first offset of its log is another (retention, or a follower that starts anew).
    LogStart {
        /// Of what.
        partition: TopicPartition,
        /// The new first offset.
        to: Offset,
    },
    /// It asks ZooKeeper for another ISR.
    IsrAsked {
        /// Of what.
        partition: TopicPartition,
        /// What it wants.
        isr: Arc<[BrokerId]>,
        /// The version of the znode it wants to replace.
        zk_version: i32,
    },
    /// It believes in another ISR, and uses it from now on.
    IsrCached {
        /// Of what.
        partition: TopicPartition,
        /// In this epoch.
        epoch: LeaderEpoch,
        /// Who is in sync.
        isr: Arc<[BrokerId]>,
        /// The version of the znode.
        zk_version: i32,
    },
    /// ZooKeeper has another version of the state than it believes: the ISR stays as it is.
    IsrRefused {
        /// Of what.
        partition: TopicPartition,
        /// The version it believed in.
        zk_version: i32,
    },
    /// The partition is frozen: a change of its ISR waits for ZooKeeper (Kafka up to 2.6).
    Frozen {
        /// What.
        partition: TopicPartition,
    },
    /// The partition goes on.
    Thawed {
        /// What.
        partition: TopicPartition,
    },
    /// A replica's or client's fetch or produce was refused for its epoch or because it does not lead.
    Refused {
        /// Of what.
        partition: TopicPartition,
        /// The error.
        error: &'static str,
    },
    /// Records in its log are promised to a producer: the answer goes out now.
    Acknowledged {
        /// Of what.
        partition: TopicPartition,
        /// The epoch in which it leads.
        epoch: LeaderEpoch,
        /// The first offset.
        base: Offset,
        /// The last offset.
        last: Offset,
        /// 1, or -1 for all.
        acks: i16,
        /// How many were in sync, as it believed.
        in_sync: u32,
    },

    // -- files
    /// A checkpoint of high watermarks or recovery points is in place.
    Checkpointed {
        /// Which file.
        what: Checkpoint,
        /// Its content.
        offsets: Arc<[(TopicPartition, Offset)]>,
    },
    /// A new segment was begun.
    Rolled {
        /// Of what.
        partition: TopicPartition,
        /// Its first offset.
        base: Offset,
    },
    /// Damaged records were found while reading.
    CorruptRecords {
        /// Of what.
        partition: TopicPartition,
        /// Where.
        at: Offset,
    },
}

/// What was found of one replica when a broker started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Which.
    pub partition: TopicPartition,
    /// The first offset.
    pub start: Offset,
    /// The log end offset.
    pub end: Offset,
    /// The high watermark as checkpointed, clamped into the log.
    pub high_watermark: Offset,
    /// The recovery point as checkpointed; everything from there was read and checked, unless the shutdown was clean.
    pub recovery_point: Offset,
    /// The leader-epoch cache: epochs and where they start.
    pub epochs: Arc<[(LeaderEpoch, Offset)]>,
}

/// What a controller's decision about a partition was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// A new partition's first leader.
    Created,
    /// The leader is gone: the first live in-sync replica.
    Offline,
    /// The leader is gone and no in-sync replica lives: any live one.
    Unclean,
    /// Back to the first of the assignment.
    Preferred,
    /// The leader is about to stop.
    ControlledShutdown,
    /// A replica left the ISR because its broker is gone.
    ReplicaOffline,
}

/// Which checkpoint file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Checkpoint {
    /// `replication-offset-checkpoint`.
    HighWatermark,
    /// `recovery-point-offset-checkpoint`.
    RecoveryPoint,
    /// `log-start-offset-checkpoint`.
    LogStart,
}

impl machine::Note for Note {
    fn level(&self) -> Level {
        match self {
            Self::Session(note) => note.level(),
            Self::LogsOpened { .. }
            | Self::RefusedToStart(_)
            | Self::Registered { .. }
            | Self::Serving
            | Self::ShuttingDown { .. }
            | Self::ControlledShutdownDone { .. }
            | Self::LogDirFailed(_)
            | Self::HandlersExhausted { .. }
            | Self::HandlersFree
            | Self::ControllerElected { .. }
            | Self::ControllerResigned { .. }
            | Self::BrokersChanged { .. }
            | Self::StateWritten { .. }
            | Self::BecameLeader { .. }
            | Self::Truncated { .. }
            | Self::IsrCached { .. }
            | Self::IsrRefused { .. }
            | Self::Frozen { .. }
            | Self::Thawed { .. }
            | Self::CorruptRecords { .. } => Level::Headline,
            Self::ControlSent { .. }
            | Self::ControlApplied { .. }
            | Self::ControlRefused { .. }
            | Self::BecameFollower { .. }
            | Self::ReplicaStopped { .. }
            | Self::Appended { .. }
            | Self::HighWatermark { .. }
            | Self::LogStart { .. }
            | Self::IsrAsked { .. }
            | Self::Refused { .. }
            | Self::Acknowledged { .. }
            | Self::Checkpointed { .. }
            | Self::Rolled { .. } => Level::Detail,
        }
    }

    fn mark(&self) -> Option<&'static str> {
        Some(match self {
            Self::Session(note) => return note.mark(),
            Self::ControllerElected { .. } => "controller-elected",
            Self::ControllerResigned { .. } => "controller-resigned",
            Self::StateWritten { by: Decision::Unclean, .. } => "unclean-election",
            Self::StateWritten { by: Decision::Preferred, .. } => "preferred-election",
            Self::StateWritten { by: Decision::Offline, .. } => "leader-elected",
            Self::Truncated { .. } => "replica-truncated",
            Self::IsrRefused { .. } => "isr-write-refused",
            Self::Frozen { .. } => "partition-frozen",
            Self::HandlersExhausted { .. } => "handlers-exhausted",
            Self::ControlRefused { .. } => "control-request-refused",
            Self::CorruptRecords { .. } => "corrupt-records",
            Self::LogDirFailed(_) => "log-dir-failed",
            _ => return None,
        })
    }
}
