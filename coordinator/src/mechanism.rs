//! What differed between versions of ZooKeeper, each as an enum with a biography, default fixed; presets set them together.
//!
//! Also the named mutants: defects no version ever had, which exist so that every check can be seen to fail.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a follower has on disk when it acknowledges NEWLEADER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Synchronisation {
    /// 3.4.0–3.4.9, 3.5.0–3.5.2: always a whole local snapshot, not synced (ZOOKEEPER-2872: power loss can take it).
    SnapAlways,
    /// 3.4.10–3.4.14, 3.5.3–3.5.9, 3.6.0–3.6.2 (since ZOOKEEPER-2678): for DIFF nothing; the transactions are logged after
    /// UPTODATE. Committed transactions can be lost (ZOOKEEPER-3911).
    DiffNolog,
    /// 3.5.10, 3.6.3–3.9.2: transactions are handed to the log, not waited for; currentEpoch is already written
    /// (ZOOKEEPER-4643, 4646, 4685).
    DiffAsync,
    /// 3.9.3 and later: transactions appended, synced and applied; then currentEpoch; then the ACK.
    #[default]
    DiffSync,
}

/// Which clock sessions and time-outs are counted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionClock {
    /// Up to 3.4.6: the calendar. A jump forward expires every session at once (ZOOKEEPER-1366).
    Wall,
    /// Since 3.4.7 and 3.5.1.
    #[default]
    Monotonic,
}

/// Whether TRUNC also discards snapshots that contain what is cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Truncation {
    /// All released versions: the log is cut, a newer snapshot stays and brings the transactions back
    /// (ZOOKEEPER-1549, 2832, 4837).
    KeepsNewerSnapshots,
    /// Snapshots newer than the point of truncation are removed.
    #[default]
    DiscardsNewerSnapshots,
}

/// How `acceptedEpoch` and `currentEpoch` are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EpochFile {
    /// All released versions: temporary file, fsync, rename. A power loss may still take the rename back.
    Rename,
    /// The directory is synced as well before anything is promised.
    #[default]
    RenameAndSyncDirectory,
}

/// Whether the tree in memory outlives a change of role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Database {
    /// Up to 3.4.9: every new role loads from disk.
    #[default]
    Reloaded,
    /// 3.4.10–3.4.11, 3.5.3: kept without what is logged and not committed (ZOOKEEPER-2845).
    Retained,
    /// 3.4.12, 3.5.4 and later: kept, and brought up to the end of the log at shutdown.
    RetainedAndFastForwarded,
}

/// What a server does when its log cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DiskFailure {
    /// 3.4.6–3.4.8: the process exits with code 11; also the safe choice.
    #[default]
    Exits,
    /// 3.4.9, 3.5.3 and later: the server leaves its role and looks for a leader again.
    LeavesTheRole,
}

/// What recovery does about a log file without its header, as a full disk or a power loss leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EmptyLog {
    /// 3.4 and the 3.6 modelled here: the server does not start until somebody removes the file (ZOOKEEPER-1621).
    Refused,
    /// The file is removed: it never held a transaction.
    #[default]
    Removed,
}

/// What recovery does about logs without any snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MissingSnapshot {
    /// 3.4: the logs are replayed over an empty tree, whatever came before them is silently gone (ZOOKEEPER-2325).
    StartsEmpty,
    /// The server does not start, unless the logs begin with the first transaction of an epoch, as those of a server that
    /// never needed a snapshot do. 3.5.3 and later always refuse, and have a snapshot from the beginning (ZOOKEEPER-3056).
    #[default]
    Refused,
}

/// A defect planted to see a check fail. No version of ZooKeeper has any of these unless its comment says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mutant {
    /// Half of the voters are taken for a quorum: two sides of an even split both elect (breaks ZB-3, ZB-4).
    HalfIsEnough,
    /// Votes are ordered by server id alone, and a leader does not mind a follower that is ahead (breaks ZB-1, ZB-8).
    VotesIgnoreHistory,
    /// Every server keeps voting for itself (breaks LV-0).
    StubbornVoter,
    /// A follower swaps two neighbouring commits when both have arrived (breaks ZB-6; ZOOKEEPER-962 was of this kind).
    FollowerSwapsCommits,
    /// A leader gives two requests that wait together their zxids in reverse order of proposing (breaks ZB-7).
    ProposesOutOfOrder,
    /// The leader answers its own clients' writes when its own disk has them, before a quorum has (breaks ZS-1).
    AnswersBeforeCommit,
    /// A server takes clients back at once: those that have seen a newer zxid than it has, and without asking the leader
    /// whether the session lives (breaks ZS-2).
    TakesClientsFromTheFuture,
    /// Reads overtake the last transaction: they are answered from the tree as it was before it (breaks ZS-3).
    ReadsOvertakeWrites,
    /// A follower that applies closeSession leaves the ephemerals (breaks ZS-4; ZOOKEEPER-1367 was of this kind).
    KeepsEphemerals,
    /// The leader expires sessions after half of their time-out (breaks ZS-5).
    ExpiresEarly,
    /// SetWatches after a reconnect is acknowledged and forgotten (breaks ZS-6).
    ForgetsWatches,
    /// The suffix of a sequential znode is the number of children (breaks ZS-7 when children are deleted).
    SequenceCountsChildren,
    /// A multi that fails half-way keeps what came before the failure (breaks ZS-8).
    PartialMulti,
    /// A follower answers a reconnecting client "expired" without asking the leader (breaks ZS-9).
    GuessesExpiry,
    /// Transactions are acknowledged when written, not when synced, whatever forceSync says (breaks ZB-10).
    AcksBeforeSync,
    /// Transactions of a DIFF are put into the log in memory order, one of them left out (breaks ZB-2, ZB-11; ZOOKEEPER-4925
    /// was of this kind).
    LogsWithAHole,
}

/// The mechanisms of one version, together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Mechanisms {
    /// See [`Synchronisation`].
    pub synchronisation: Synchronisation,
    /// See [`SessionClock`].
    pub session_clock: SessionClock,
    /// See [`Truncation`].
    pub truncation: Truncation,
    /// See [`EpochFile`].
    pub epoch_file: EpochFile,
    /// See [`Database`].
    pub database: Database,
    /// See [`DiskFailure`].
    pub disk_failure: DiskFailure,
    /// See [`EmptyLog`].
    pub empty_log: EmptyLog,
    /// See [`MissingSnapshot`].
    pub missing_snapshot: MissingSnapshot,
    /// Planted defects.
    pub mutants: BTreeSet<Mutant>,
}

impl Mechanisms {
    /// Whether a defect is planted.
    pub fn has(&self, mutant: Mutant) -> bool {
        self.mutants.contains(&mutant)
    }
}

/// A version of ZooKeeper as far as its mechanisms and defaults are modelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Preset {
    /// 3.4.6 (2014): what the wurstmeister image runs.
    #[serde(rename = "3.4.6")]
    V3_4_6,
    /// 3.4.14 (2019): what Confluent Platform 5.3 runs.
    #[serde(rename = "3.4.14")]
    V3_4_14,
    /// 3.6.3 (2021): what Confluent Platform 7.0 runs.
    #[serde(rename = "3.6.3")]
    V3_6_3,
    /// Every known defect mended.
    #[default]
    #[serde(rename = "fixed")]
    Fixed,
}

impl Preset {
    /// All presets, oldest first.
    pub const ALL: [Self; 4] = [Self::V3_4_6, Self::V3_4_14, Self::V3_6_3, Self::Fixed];

    /// As scenario files write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V3_4_6 => "3.4.6",
            Self::V3_4_14 => "3.4.14",
            Self::V3_6_3 => "3.6.3",
            Self::Fixed => "fixed",
        }
    }

    /// The preset written `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The mechanisms of this version.
    pub fn mechanisms(self) -> Mechanisms {
        let released = Mechanisms {
            truncation: Truncation::KeepsNewerSnapshots,
            epoch_file: EpochFile::Rename,
            empty_log: EmptyLog::Refused,
            ..Mechanisms::default()
        };
        match self {
            Self::V3_4_6 => Mechanisms {
                synchronisation: Synchronisation::SnapAlways,
                session_clock: SessionClock::Wall,
                missing_snapshot: MissingSnapshot::StartsEmpty,
                ..released
            },
            Self::V3_4_14 => Mechanisms {
                synchronisation: Synchronisation::DiffNolog,
                missing_snapshot: MissingSnapshot::StartsEmpty,
                database: Database::RetainedAndFastForwarded,
                disk_failure: DiskFailure::LeavesTheRole,
                ..released
            },
            Self::V3_6_3 => Mechanisms {
                synchronisation: Synchronisation::DiffAsync,
                database: Database::RetainedAndFastForwarded,
                disk_failure: DiskFailure::LeavesTheRole,
                ..released
            },
            Self::Fixed => Mechanisms::default(),
        }
    }

    /// What this version has and we do not model: listed beside the verdict, so that nobody reads more into it.
    pub const fn not_modelled(self) -> &'static [&'static str] {
        match self {
            Self::V3_4_6 | Self::V3_4_14 => &[
                "one waiting write blocks all later requests of a server (CommitProcessor before 3.5)",
                "NEWLEADER queued before the snapshot stream (ZOOKEEPER-3104)",
            ],
            Self::V3_6_3 => {
                &["dynamic reconfiguration", "local sessions", "container and TTL znodes"]
            }
            Self::Fixed => &[],
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
