//! Notes of a broker as ends of a sentence whose subject is the broker.

use std::fmt;

use super::{Decision, Note};
use crate::id::BrokerId;

/// Ids in brackets, as in `isr [1,2]`.
struct Ids<'a>(&'a [BrokerId]);

impl fmt::Display for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, id) in self.0.iter().enumerate() {
            write!(f, "{}{id}", if index == 0 { "" } else { "," })?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "new partition",
            Self::Offline => "leader gone",
            Self::Unclean => "unclean election",
            Self::Preferred => "preferred leader",
            Self::ControlledShutdown => "controlled shutdown",
            Self::ReplicaOffline => "replica gone",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(note) => note.fmt(f),
            Self::LogsOpened { clean, replicas } => {
                let how = if *clean { "after a clean shutdown" } else { "recovered" };
                write!(f, "has opened {} logs, {how}", replicas.len())
            }
            Self::RefusedToStart(why) => write!(f, "refuses to start: {why}"),
            Self::Registered { epoch } => write!(f, "is registered (broker epoch {epoch})"),
            Self::Serving => f.write_str("serves"),
            Self::ShuttingDown { controlled: true } => f.write_str("begins a controlled shutdown"),
            Self::ShuttingDown { controlled: false } => f.write_str("shuts down"),
            Self::ControlledShutdownDone { remaining } => {
                write!(f, "has handed over what it led, {remaining} partitions remain")
            }
            Self::LogDirFailed(error) => write!(f, "has lost its log directory: {error:?}"),
            Self::HandlersExhausted { of } => {
                write!(f, "answers nothing: all {of} request handlers wait")
            }
            Self::HandlersFree => f.write_str("has a free request handler again"),
            Self::ControllerElected { epoch } => write!(f, "is the controller, epoch {epoch}"),
            Self::ControllerResigned { epoch, because } => {
                write!(f, "is no longer the controller of epoch {epoch}: {because}")
            }
            Self::BrokersChanged { new, gone, bounced } => write!(
                f,
                "sees brokers new {} gone {} bounced {}",
                Ids(new),
                Ids(gone),
                Ids(bounced)
            ),
            Self::StateWritten { partition, leader, epoch, isr, by, .. } => {
                let isr = Ids(isr);
                write!(f, "decides {partition}: leader {leader}, epoch {epoch}, isr {isr} ({by})")
            }
            Self::ControlSent { to, what, .. } => write!(f, "sends {what} to broker {to}"),
            Self::ControlApplied { controller, controller_epoch, what, .. } => {
                write!(f, "obeys {what} of controller {controller}, epoch {controller_epoch}")
            }
            Self::ControlRefused { controller, controller_epoch, because, what } => write!(
                f,
                "refuses {what} of controller {controller}, epoch {controller_epoch}: {because}"
            ),
            Self::BecameLeader { partition, epoch, log_end, isr, .. } => {
                let isr = Ids(isr);
                write!(f, "leads {partition} in epoch {epoch} from offset {log_end}, isr {isr}")
            }
            Self::BecameFollower { partition, epoch, leader, .. } => {
                write!(f, "follows broker {leader} for {partition} in epoch {epoch}")
            }
            Self::ReplicaStopped { partition, deleted } => {
                write!(f, "stops {partition}{}", if *deleted { " and deletes it" } else { "" })
            }
            Self::Appended { partition, base, last, epoch, .. } => {
                write!(f, "appends {partition}:{base}..{last} of epoch {epoch}")
            }
            Self::HighWatermark { partition, to, .. } => {
                write!(f, "has {partition} committed up to {to}")
            }
            Self::Truncated { partition, to, was, .. } => {
                write!(f, "truncates {partition} from {was} to {to}")
            }
            Self::LogStart { partition, to } => write!(f, "has {partition} from {to}"),
            Self::IsrAsked { partition, isr, .. } => {
                write!(f, "asks for isr {} of {partition}", Ids(isr))
            }
            Self::IsrCached { partition, isr, .. } => {
                write!(f, "has isr {} of {partition}", Ids(isr))
            }
            Self::IsrRefused { partition, zk_version } => write!(
                f,
                "is behind ZooKeeper about {partition} (version {zk_version}), its isr stays"
            ),
            Self::Frozen { partition } => {
                write!(f, "has frozen {partition}: its isr waits for ZooKeeper")
            }
            Self::Thawed { partition } => write!(f, "goes on with {partition}"),
            Self::Refused { partition, error } => write!(f, "refuses {partition}: {error}"),
            Self::Acknowledged { partition, base, last, acks, .. } => {
                write!(f, "acknowledges {partition}:{base}..{last} (acks {acks})")
            }
            Self::Checkpointed { what, offsets } => {
                write!(f, "checkpoints {what:?} of {} partitions", offsets.len())
            }
            Self::Rolled { partition, base } => write!(f, "begins segment {base} of {partition}"),
            Self::CorruptRecords { partition, at } => {
                write!(f, "finds damaged records at {partition}:{at}")
            }
        }
    }
}
