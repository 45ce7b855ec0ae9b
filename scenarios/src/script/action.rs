//! What a step does: faults and repairs as values, and how each is undone.
//!
//! How they are performed is the player's business; how they are written is [`super::verb`]'s.

use std::fmt;

use machine::Duration;
use serde::{Deserialize, Serialize};

use super::kafka::admin::Admin;
use super::selector::Selector;

/// What a step does, to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Action {
    /// What.
    pub deed: Deed,
    /// To whom; the side things come `from`, where there are two.
    pub who: Selector,
    /// The other side, where there are two.
    pub to: Option<Selector>,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// The processes die at once (`kill -9`); their hosts stay up and reset their connections.
    Kill,
    /// The processes are asked to stop (SIGTERM).
    Stop,
    /// Dead processes start again, with the disk as it is; their hosts get power if they have none.
    /// Those that run are left alone.
    Restart,
    /// The processes stand still (SIGSTOP, a long garbage collection); their hosts stay up.
    Pause,
    /// They go on.
    Resume,
    /// Their hosts lose power, with everything on them; what was not synced is lost or torn.
    PowerLoss,
    /// Their disks are emptied. Of a node that runs: it dies first.
    Wipe,
    /// Nothing gets from one side to the other.
    Cut {
        /// The other way is open.
        one_way: bool,
    },
    /// Everything gets from one side to the other again, both ways.
    Heal,
    /// All cuts and isolations end.
    HealAll,
    /// Nothing gets from or to these nodes; among themselves they are connected.
    Isolate,
    /// The isolation of these nodes ends.
    Rejoin,
    /// How long a packet travels, both ways; without bounds as it was before.
    Latency {
        /// At least, at most.
        bounds: Option<(Duration, Duration)>,
    },
    /// How many packets of a million are lost and sent again, both ways.
    Loss {
        /// Of a million.
        per_million: u32,
    },
    /// One bit of the next bytes from one side to the other is flipped.
    Tamper,
    /// Something happens to their disks.
    Disk(DiskDeed),
    /// Their calendars jump.
    ClockJump {
        /// So many µs forward, or back if negative.
        by: i64,
    },
    /// Their clocks run fast, or slow if negative.
    ClockDrift {
        /// µs per second.
        ppm: i64,
    },
    /// An admin tool is used. The step picks nobody.
    Admin(Box<Admin>),
    /// They need time for every input.
    ServiceTime {
        /// For each input.
        per_input: Duration,
        /// For each byte of it, in ns.
        per_byte_nanos: u64,
    },
}

/// What can be done to disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskDeed {
    /// A sync takes so long; without bounds as it was before.
    SyncLatency {
        /// At least, at most.
        bounds: Option<(Duration, Duration)>,
    },
    /// Nothing comes back until the disk is resumed.
    Stall,
    /// It goes on.
    Resume,
    /// Only so many bytes are left.
    Full {
        /// Bytes.
        free: u64,
    },
    /// There is room again.
    Freed,
    /// Writes fail.
    FailWrites,
    /// Syncs fail.
    FailSyncs,
    /// Nothing fails any more.
    Mend,
    /// A bit flips in a file whose path contains this.
    BitRot {
        /// A part of the path.
        path: String,
    },
    /// Syncs are confirmed and not done.
    LyingSync {
        /// From now on, or no longer.
        on: bool,
    },
    /// Power loss takes back renames whose directory was not synced.
    LoseRenames {
        /// From now on, or no longer.
        on: bool,
    },
    /// Power loss tears the last write that was not synced.
    TornTail {
        /// From now on, or no longer.
        on: bool,
    },
}

impl Action {
    /// What undoes this action when the step `step` did it; `None` for what cannot be undone.
    pub fn undo(&self, step: &str) -> Option<Self> {
        let deed = self.deed.undo()?;
        let to = self.to.as_ref().map(|_| Selector::Peers { step: step.to_string() });
        Some(Self { deed, who: Selector::Victims { step: step.to_string() }, to })
    }
}

impl Deed {
    /// What undoes it, done to the same nodes; `None` for what cannot be undone.
    pub fn undo(&self) -> Option<Self> {
        Some(match self {
            Self::Kill | Self::Stop | Self::PowerLoss => Self::Restart,
            Self::Pause => Self::Resume,
            Self::Cut { .. } => Self::Heal,
            Self::Isolate => Self::Rejoin,
            Self::Latency { .. } => Self::Latency { bounds: None },
            Self::Loss { .. } => Self::Loss { per_million: 0 },
            Self::ClockJump { by } => Self::ClockJump { by: by.saturating_neg() },
            Self::ClockDrift { .. } => Self::ClockDrift { ppm: 0 },
            Self::ServiceTime { .. } => {
                Self::ServiceTime { per_input: Duration::ZERO, per_byte_nanos: 0 }
            }
            Self::Disk(disk) => Self::Disk(match disk {
                DiskDeed::SyncLatency { .. } => DiskDeed::SyncLatency { bounds: None },
                DiskDeed::Stall => DiskDeed::Resume,
                DiskDeed::Full { .. } => DiskDeed::Freed,
                DiskDeed::FailWrites | DiskDeed::FailSyncs => DiskDeed::Mend,
                DiskDeed::LyingSync { .. } => DiskDeed::LyingSync { on: false },
                DiskDeed::LoseRenames { .. } => DiskDeed::LoseRenames { on: false },
                DiskDeed::TornTail { .. } => DiskDeed::TornTail { on: false },
                DiskDeed::Resume | DiskDeed::Freed | DiskDeed::Mend | DiskDeed::BitRot { .. } => {
                    return None;
                }
            }),
            Self::Restart
            | Self::Resume
            | Self::Wipe
            | Self::Heal
            | Self::HealAll
            | Self::Rejoin
            | Self::Tamper
            | Self::Admin(_) => return None,
        })
    }

    /// Whether it takes nodes out of service until they are restarted, resumed or connected again.
    pub fn takes_nodes_away(&self) -> bool {
        matches!(self, Self::Kill | Self::Stop | Self::Pause | Self::PowerLoss | Self::Isolate)
            || matches!(self, Self::Wipe)
    }
}

impl fmt::Display for Deed {
    /// What is done, as a sentence about the nodes begins: `kill`, `slow fsync of`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill => f.write_str("kill"),
            Self::Admin(admin) => admin.command.fmt(f),
            Self::Stop => f.write_str("stop"),
            Self::Restart => f.write_str("restart"),
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::PowerLoss => f.write_str("power loss of"),
            Self::Wipe => f.write_str("wipe the disk of"),
            Self::Cut { one_way: true } => f.write_str("cut, one way, from"),
            Self::Cut { one_way: false } => f.write_str("cut between"),
            Self::Heal => f.write_str("heal between"),
            Self::HealAll => f.write_str("heal all"),
            Self::Isolate => f.write_str("isolate"),
            Self::Rejoin => f.write_str("connect again"),
            Self::Latency { bounds: Some((min, max)) } => {
                write!(f, "latency {min}..{max} between")
            }
            Self::Latency { bounds: None } => f.write_str("usual latency between"),
            Self::Loss { per_million } => write!(f, "loss of {per_million} in a million between"),
            Self::Tamper => f.write_str("flip a bit on the way from"),
            Self::Disk(disk) => write!(f, "{disk}"),
            Self::ClockJump { by } => {
                let span = Duration::from_micros(by.unsigned_abs());
                write!(f, "clock jump by {}{span} of", if *by < 0 { '-' } else { '+' })
            }
            Self::ClockDrift { ppm } => write!(f, "clock drift of {ppm} ppm of"),
            Self::ServiceTime { per_input, per_byte_nanos } => {
                write!(f, "service time {per_input} and {per_byte_nanos} ns per byte of")
            }
        }
    }
}

impl fmt::Display for DiskDeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lasting = |f: &mut fmt::Formatter<'_>, on: &bool, what: &str| {
            write!(f, "{}{what} of", if *on { "" } else { "no more " })
        };
        match self {
            Self::SyncLatency { bounds: Some((min, max)) } => write!(f, "fsync of {min}..{max} on"),
            Self::SyncLatency { bounds: None } => f.write_str("usual fsync on"),
            Self::Stall => f.write_str("stall the disk of"),
            Self::Resume => f.write_str("resume the disk of"),
            Self::Full { free } => write!(f, "disk full but for {free} bytes on"),
            Self::Freed => f.write_str("room again on the disk of"),
            Self::FailWrites => f.write_str("writes fail on"),
            Self::FailSyncs => f.write_str("syncs fail on"),
            Self::Mend => f.write_str("mend the disk of"),
            Self::BitRot { path } => write!(f, "flip a bit in `{path}` on"),
            Self::LyingSync { on } => lasting(f, on, "fsync that lies"),
            Self::LoseRenames { on } => lasting(f, on, "lost renames"),
            Self::TornTail { on } => lasting(f, on, "torn tails"),
        }
    }
}
