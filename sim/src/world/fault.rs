//! Everything that can be done to a world, as values: a plan can hold them, a trace can print them,
//! and the fingerprint counts every one that was applied.

use machine::Duration;
use serde::{Deserialize, Serialize};

/// A node: one process with its own disk and clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// A host: the unit that loses power whole and that links connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub u32);

/// One action on processes, network, disks or clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Fault {
    /// Starts a node's process if it does not run; its host is powered on.
    Boot {
        /// Which.
        node: NodeId,
    },
    /// SIGKILL: the process is gone, its connections are reset, its page cache stays.
    Kill {
        /// Which.
        node: NodeId,
    },
    /// SIGTERM: the machine is asked to leave ([`machine::Input::Stop`]).
    Stop {
        /// Which.
        node: NodeId,
    },
    /// SIGSTOP: the process handles nothing; its kernel still acknowledges and accepts.
    Pause {
        /// Which.
        node: NodeId,
    },
    /// SIGCONT: what came in meanwhile is handled now, in order.
    Resume {
        /// Which.
        node: NodeId,
    },
    /// The host goes dark with all its nodes: no packet leaves it, unsynced data may be lost.
    PowerLoss {
        /// Which.
        host: HostId,
    },
    /// Boots a dead node, with power on. Nothing happens if it runs.
    Restart {
        /// Which.
        node: NodeId,
    },
    /// Empties a node's disk (a replaced disk; best done to a dead node).
    Wipe {
        /// Whose.
        node: NodeId,
    },
    /// Packets from `from` no longer arrive at `to`. One way.
    Cut {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
    },
    /// Ends a cut.
    Heal {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
    },
    /// Ends all cuts. Latency, loss and bandwidth stay as they are.
    HealAll,
    /// Packets take between `low` and `high`, all equally likely. With `from == to`: the loopback.
    Latency {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
        /// Shortest.
        low: Duration,
        /// Longest.
        high: Duration,
    },
    /// So many pieces in a million are lost and come a retransmission later.
    Loss {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
        /// 0 to 1 000 000.
        per_million: u32,
    },
    /// The link carries so much; 0 for no limit.
    Bandwidth {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
        /// Bytes per second.
        bytes_per_second: u64,
    },
    /// Something happens to a node's disk.
    Disk {
        /// Whose.
        node: NodeId,
        /// What.
        fault: DiskFault,
    },
    /// Something happens to a node's clock.
    Clock {
        /// Whose.
        node: NodeId,
        /// What.
        change: ClockFault,
    },
    /// Each input costs the node time, and inputs wait for each other.
    ServiceTime {
        /// Whose.
        node: NodeId,
        /// For each input.
        per_input: Duration,
        /// For each byte received, in ns.
        per_byte_nanos: u64,
    },
    /// Flips one bit in the next bytes that arrive over this link (what a TCP checksum misses).
    Tamper {
        /// Sender.
        from: HostId,
        /// Receiver.
        to: HostId,
    },
}

/// What can happen to a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFault {
    /// Syncs take between `low` and `high`.
    SyncLatency {
        /// Shortest.
        low: Duration,
        /// Longest.
        high: Duration,
    },
    /// Every call that needs the disk would block, syncs do not end. What is in the page cache can be read: all that was
    /// written or read since the power came on.
    Stall,
    /// Ends a stall: blocked calls may be done again, syncs go on.
    Resume,
    /// Only so many more bytes fit.
    Full {
        /// What is left.
        free_bytes: u64,
    },
    /// There is room again.
    Freed,
    /// Calls that change something fail with EIO.
    FailWrites,
    /// Syncs fail with EIO, and make nothing durable.
    FailSyncs,
    /// Ends `FailWrites` and `FailSyncs`.
    Mend,
    /// One bit flips in a file whose path contains this text.
    BitRot {
        /// Part of the path.
        path_contains: String,
    },
    /// Syncs answer that all is well and make nothing durable.
    LyingSync(bool),
    /// Renames and removals survive power loss only if their directory was synced.
    LoseRenames(bool),
    /// The last write that survives power loss may be torn.
    TornTail(bool),
}

/// What can happen to a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockFault {
    /// The calendar jumps; the monotonic clock does not.
    Step {
        /// By how much, µs; negative for backwards.
        micros: i64,
    },
    /// Both clocks run fast (or slow) from now on.
    Drift {
        /// Parts per million.
        ppm: i64,
    },
}
