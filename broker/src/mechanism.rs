//! What differed between versions of Kafka, each as an enum with a biography, default fixed; presets set them together.
//!
//! Also the named mutants: defects no version ever had, which exist so that every check can be seen to fail.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How a follower decides what to cut off its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truncation {
    /// Up to 0.10.2: everything above the local high watermark, on every become-follower. Loses acknowledged records and lets
    /// logs diverge (KAFKA-1211, scenarios 1 and 2 of KIP-101).
    ByHighWatermark,
    /// 0.11.0–1.1 (KIP-101): one question to the leader, where the follower's last epoch ends. Fast leader changes leave
    /// logs that differ (KAFKA-6361).
    ByLeaderEpoch,
    /// Since 2.0.0 (KIP-279): the leader also says of which epoch it speaks, and the follower asks again until they agree.
    #[default]
    ByLeaderEpochRepeated,
}

/// Whether requests of replicas and clients carry the leader epoch they believe in, and are refused if it is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchFencing {
    /// Up to 2.0: a replica of an older epoch moves the high watermark (KAFKA-6880).
    Off,
    /// Since 2.1.0 (KIP-320).
    #[default]
    On,
}

/// When a follower may come back into the ISR.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsrExpand {
    /// Up to 2.0.0: at the high watermark, which may lag behind after a leader change (KAFKA-7128).
    AtHighWatermark,
    /// Since 2.0.1: also at the start of the leader's epoch.
    #[default]
    AtEpochStart,
}

/// How a leader changes the ISR in ZooKeeper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsrWrite {
    /// Up to 2.6: the partition is frozen until ZooKeeper answers, and with it whoever needs it.
    Blocking,
    /// As since 2.7 (KIP-497), though still written by the leader: the old ISR stays in force until the answer.
    #[default]
    NonBlocking,
}

/// Whether control requests name the registration of the broker they are meant for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokerEpochCheck {
    /// Up to 2.1: a restart between two looks is not noticed, old requests hit the new life (KAFKA-7235).
    Off,
    /// 2.2.0–2.5.0 (KIP-380): a request that is newer than the broker's own knowledge is an error (KAFKA-9839).
    OnRefusingNewer,
    /// Since 2.5.1.
    #[default]
    On,
}

/// Whether a controller's writes hold only while it is the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControllerFencing {
    /// Up to 2.0: a deposed controller goes on writing (KAFKA-6082).
    Off,
    /// Since 2.1.0: every write checks the version of `/controller_epoch` in the same transaction.
    #[default]
    On,
}

/// When a leader tells a follower that the high watermark has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HighWatermarkNews {
    /// 2.4.0–2.5.0 (KIP-392): a fetch that knows an older one is answered at once, though nobody reads from followers.
    AtOnce,
    /// Up to 2.3, and again since 2.5.1 without a replica selector (KAFKA-9731): with the next data, or when the fetch has
    /// waited long enough.
    #[default]
    WithNextData,
}

/// A defect that no version ever had: it exists to be caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mutant {
    /// acks=all is answered as soon as the leader has appended. Caught by KR-1.
    AcknowledgesBeforeReplicated,
    /// Consumers read up to the log end. Caught by CR-1.
    ServesBeyondHighWatermark,
    /// A leader that steps down goes on appending. Caught by KR-6 and KR-3'.
    AppendsAfterSteppingDown,
    /// The high watermark may go back within one reign. Caught by KR-8.
    HighWatermarkGoesBack,
    /// The leader shrinks its ISR without asking ZooKeeper. Caught by KR-10 and CT-3.
    ShrinksIsrByItself,
    /// Control requests of a deposed controller are obeyed. Caught by KR-11.
    ObeysDeposedControllers,
    /// A leader is elected from outside the ISR although that is not allowed. Caught by CT-4 and KR-1.
    ElectsOutsideIsr,
    /// All replicas of a partition are assigned to start at the same broker. Caught by CT-5.
    AssignsUnevenly,
    /// A recovered log keeps bytes whose checksum is wrong. Caught by ST-5.
    KeepsTornTail,
    /// Checkpoints run ahead of what they stand for. Caught by ST-1 and ST-2.
    CheckpointsAhead,
    /// The producer is given the offset after its record. Caught by PR-1.
    AnswersWrongOffset,
    /// A request that was refused is appended all the same. Caught by PR-4.
    AppendsWhatItRefuses,
    /// The consumer is sent a batch twice. Caught by CR-2.
    ServesTwice,
    /// A follower does not cut off what its new leader does not have. Caught by KR-3 and CR-3.
    NeverTruncates,
    /// The high watermark is the leader's log end, wherever its followers are. Caught by KR-4 and KR-4w.
    CommitsAlone,
    /// A leader that shrinks its ISR leaves itself out, too. Caught by KR-5.
    LeavesItselfOut,
    /// A leader does not enter its epochs in the cache of its log. Caught by KR-7.
    ForgetsEpochs,
    /// A new controller takes the number of the last one. Caught by CT-1 and CT-2.
    CountsNoControllers,
    /// The controller elects nobody for a partition whose leader is gone. Caught by LV-1.
    ElectsNobody,
    /// The controller looks only once for leaders that should go back to the preferred replicas. Caught by LV-7.
    RebalancesOnce,
    /// A deleted topic leaves its settings in ZooKeeper. Caught by CT-7.
    LeavesTopicConfig,
    /// When partitions are added, those that are there are assigned anew as well. Caught by CT-6.
    ReassignsWhatIsThere,
    /// A leader never lets anybody back into its ISR. Caught by LV-4.
    NeverExpandsIsr,
    /// A produce request that has to wait for replicas is forgotten. Caught by LV-2 and LV-5.
    ForgetsWhoWaits,
    /// A recovered log has the high watermark of the checkpoint, however short it has become (KAFKA-9491). Caught by ST-3.
    BelievesTheCheckpoint,
    /// Retention deletes segments whether they are committed or not. Caught by ST-6.
    DeletesUncommitted,
    /// A broker whose session has ended does not register in the next one. Caught by LV-3.
    RegistersOnce,
}

/// All switches of one broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mechanisms {
    /// See [`Truncation`].
    pub truncation: Truncation,
    /// See [`FetchFencing`].
    pub fetch_fencing: FetchFencing,
    /// See [`IsrExpand`].
    pub isr_expand: IsrExpand,
    /// See [`IsrWrite`].
    pub isr_write: IsrWrite,
    /// See [`BrokerEpochCheck`].
    pub broker_epoch: BrokerEpochCheck,
    /// See [`ControllerFencing`].
    pub controller_fencing: ControllerFencing,
    /// See [`HighWatermarkNews`].
    pub high_watermark_news: HighWatermarkNews,
    /// Planted defects.
    pub mutants: BTreeSet<Mutant>,
}

impl Mechanisms {
    /// Whether this defect was planted.
    pub fn has(&self, mutant: Mutant) -> bool {
        self.mutants.contains(&mutant)
    }
}

/// A version of Kafka: mechanisms and a table of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Preset {
    /// 2.3.0.
    #[serde(rename = "2.3")]
    V2_3,
    /// 2.5.0.
    #[serde(rename = "2.5")]
    V2_5,
    /// 2.5 with what was wrong in it put right: 2.5.1's broker epochs, ISR writes that do not block.
    #[default]
    #[serde(rename = "fixed")]
    Fixed,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::V2_3, Self::V2_5, Self::Fixed];

    /// The preset of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2_3 => "2.3",
            Self::V2_5 => "2.5",
            Self::Fixed => "fixed",
        }
    }

    /// The mechanisms of this version.
    pub fn mechanisms(self) -> Mechanisms {
        let fixed = Mechanisms::default();
        let v2_5 = Mechanisms {
            isr_write: IsrWrite::Blocking,
            broker_epoch: BrokerEpochCheck::OnRefusingNewer,
            high_watermark_news: HighWatermarkNews::AtOnce,
            ..fixed.clone()
        };
        match self {
            Self::Fixed => fixed,
            Self::V2_5 => v2_5,
            Self::V2_3 => {
                Mechanisms { high_watermark_news: HighWatermarkNews::WithNextData, ..v2_5 }
            }
        }
    }

    /// What this version has and we have not, in words: it is said beside every verdict.
    pub fn not_modelled(self) -> &'static [&'static str] {
        &[
            "groups, transactions and idempotent producers",
            "partition reassignment, quotas, ACLs, TLS and SASL",
            "compaction",
        ]
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
