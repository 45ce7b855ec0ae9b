//! The steps of a timeline: a function for each verb of the language.

use super::value::{Table, Value, keys};

/// One of `steps`. It needs a time: [`Step::at`], [`Step::every`] or [`Step::when`].
#[derive(Clone, Debug, Default)]
pub struct Step {
    pub(super) table: Table,
}

impl From<Step> for Value {
    fn from(step: Step) -> Self {
        step.table.into()
    }
}

/// A step with this verb, for keys that are set one by one (`step("power-loss").hosts("h1")`).
pub fn step(verb: &str) -> Step {
    Step::default().with("do", verb)
}

keys!(Step {
    /// Its name.
    id = "id",
    /// Once, at an instant or within a window: `15s`, `15s..18s`, `down + 5s`.
    at = "at",
    /// Again and again, with this period.
    every = "every",
    /// The first of many times.
    starting = "starting",
    /// How often.
    times = "times",
    /// As soon as this condition is true.
    when = "when",
    /// So long after it became true.
    after = "after",
    /// Undone after so long (`for`).
    lasting = "for",
    /// To these nodes, as a selector.
    nodes = "nodes",
    /// To whole hosts.
    hosts = "hosts",
    /// From these nodes.
    from = "from",
    /// To those.
    to = "to",
    /// Cut in this direction only.
    one_way = "one-way",
    /// The least latency.
    min = "min",
    /// The greatest latency.
    max = "max",
    /// The latency of every sync.
    latency = "latency",
    /// How many packets are lost, of a hundred.
    percent = "percent",
    /// How many packets are lost, of a million.
    per_million = "per-million",
    /// Bytes that are left on a full disk.
    free = "free",
    /// What fails of a disk: `writes` or `syncs`.
    what = "what",
    /// A part of the path of the file that rots.
    path = "path",
    /// How far a clock jumps: `+40s`.
    by = "by",
    /// How fast a clock drifts.
    ppm = "ppm",
    /// The time each input takes.
    per_input = "per-input",
    /// The time each byte takes, in ns.
    per_byte_nanos = "per-byte-nanos",
    /// The topic an admin's command is about.
    topic = "topic",
    /// How many partitions there shall be, or which to elect leaders of.
    partitions = "partitions",
    /// How many replicas of each.
    replication_factor = "replication-factor",
    /// `min.insync.replicas`
    min_insync_replicas = "min-insync-replicas",
    /// Broker ids by partition.
    replicas = "replicas",
    /// Elects out-of-sync replicas, too.
    unclean = "unclean",
    /// The addresses an admin's tool is given.
    bootstrap = "bootstrap",
    /// When an admin's tool gives up.
    timeout = "timeout",
    /// The exit code an admin's tool must end with.
    expect_exit = "expect-exit",
    /// What an admin's tool must print: a text or several.
    prints = "prints",
});

impl Step {
    /// To be done at once, by this name unless it has one.
    pub(in crate::testing) fn now(mut self, name: &str) -> Self {
        let Table(entries) = &mut self.table;
        let is_time =
            |key: &str| matches!(key, "at" | "every" | "when" | "after" | "starting" | "times");
        entries.retain(|(key, _)| !is_time(key));
        let is_named = entries.iter().any(|(key, _)| key == "id");
        let this = if is_named { self } else { self.id(name) };
        this.at("0s")
    }

    /// A setting of the topic an admin's command is about.
    #[must_use]
    pub fn config(mut self, key: &str, value: impl Into<super::Value>) -> Self {
        self.table.set_in("config", key, value);
        self
    }
}

macro_rules! verbs {
    ($($(#[$about:meta])* $name:ident($($key:ident),*) = $verb:literal,)*) => {
        $($(#[$about])*
        pub fn $name($($key: &str),*) -> Step {
            step($verb)$(.with(stringify!($key), $key))*
        })*

        /// The verbs that have a function here.
        pub const VERBS: &[&str] = &[$($verb),*];
    };
}

verbs!(
    /// The processes die at once.
    kill(nodes) = "kill",
    /// The processes are asked to stop.
    stop(nodes) = "stop",
    /// Dead processes start again.
    restart(nodes) = "restart",
    /// As [`restart`], with the power back.
    power_on(nodes) = "power-on",
    /// The processes stand still.
    pause(nodes) = "pause",
    /// They go on.
    resume(nodes) = "resume",
    /// Their hosts lose power.
    power_loss(nodes) = "power-loss",
    /// Dead, and the disk empty.
    wipe(nodes) = "wipe",
    /// Cut off from everybody.
    isolate(nodes) = "isolate",
    /// Back among the others.
    rejoin(nodes) = "rejoin",
    /// No packets between these sides.
    cut(from, to) = "cut",
    /// Packets again between these sides.
    heal(from, to) = "heal",
    /// Packets again between all.
    heal_all() = "heal",
    /// Slow packets between these sides.
    latency(from, to) = "latency",
    /// Lost packets between these sides.
    loss(from, to) = "loss",
    /// Damaged packets from one side to the other.
    tamper(from, to) = "tamper",
    /// Slow syncs.
    slow_fsync(nodes) = "slow-fsync",
    /// Syncs that do not come back.
    stall_disk(nodes) = "stall-disk",
    /// They come back.
    resume_disk(nodes) = "resume-disk",
    /// No room.
    full_disk(nodes) = "full-disk",
    /// Room again.
    free_disk(nodes) = "free-disk",
    /// Writes or syncs fail.
    fail_disk(nodes) = "fail-disk",
    /// They work again.
    mend_disk(nodes) = "mend-disk",
    /// A bit flips in a file.
    bit_rot(nodes) = "bit-rot",
    /// Syncs that say yes and do nothing.
    lying_fsync(nodes) = "lying-fsync",
    /// Power loss forgets renames.
    lose_renames(nodes) = "lose-renames",
    /// Power loss tears the last write.
    torn_tail(nodes) = "torn-tail",
    /// The wall clock jumps.
    clock_jump(nodes) = "clock-jump",
    /// The clock runs fast or slow.
    clock_drift(nodes) = "clock-drift",
    /// Work takes time.
    service_time(nodes) = "service-time",
    /// `kafka-topics --create`
    create_topic(topic) = "create-topic",
    /// `kafka-topics --delete`
    delete_topic(topic) = "delete-topic",
    /// `kafka-topics --describe`
    describe_topic() = "describe-topic",
    /// `kafka-topics --alter --partitions`
    add_partitions(topic) = "add-partitions",
    /// `kafka-configs --alter`
    alter_config(topic) = "alter-config",
    /// `kafka-leader-election`
    elect_leaders() = "elect-leaders",
);
