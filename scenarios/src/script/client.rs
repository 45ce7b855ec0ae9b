//! Clients with something to do, as scenarios declare them.

use machine::Duration;
use serde::{Deserialize, Serialize};

use super::fields::{Fields, Value};
use super::kafka;
use super::kafka::client::{Consume, Produce};
use super::phrase::Mention;
use super::problems::{Located, Problems, Span};
use super::selector::Selector;
use super::verb;

/// One client as its author declared it.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name; also the name of its node and of its host.
    pub id: Located<String>,
    /// What it does.
    pub work: Work,
    /// The session time-out it asks for: 6 s if not said.
    pub session_timeout: Duration,
    /// Which servers or brokers it knows.
    pub knows: Knows,
    /// When it starts: at once if not said.
    pub start: Duration,
    /// The names it mentions.
    pub mentions: Vec<Mention>,
    /// Where it is written.
    pub span: Span,
}

/// Which servers a client knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knows {
    /// All of the cluster, in the cluster's own connect string.
    All,
    /// `connect`: this connect string, chroot included, as written.
    Connect(String),
    /// `servers`: those selected, at their client ports.
    Servers(Selector),
    /// `bootstrap`: brokers at these addresses, as written.
    Bootstrap(Vec<String>),
}

/// What a client does, again and again. Paths are within its chroot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// Creates the znode and sets its data to ever new values.
    Write {
        /// The znode.
        path: String,
        /// The pause between two operations.
        every: Duration,
        /// The size of the data.
        bytes: u64,
        /// Only over the version it knows (compare and set), instead of any.
        checked: bool,
    },
    /// Reads the znode.
    Read {
        /// The znode.
        path: String,
        /// The pause between two operations.
        every: Duration,
        /// With a `sync` before every read.
        sync: bool,
    },
    /// Holds a lock: an ephemeral znode, created again when its session is lost.
    Lock {
        /// The znode below which the locks are.
        path: String,
        /// Queues with sequential znodes instead of racing for one.
        queued: bool,
    },
    /// Watches the data of the znode, and watches again after every event.
    Watch {
        /// The znode.
        path: String,
        /// Watches its children, too.
        children: bool,
    },
    /// Creates sequential znodes below the path and deletes old ones.
    Sequence {
        /// The parent.
        path: String,
        /// The pause between two operations.
        every: Duration,
    },
    /// Changes two znodes below the path in one multi; now and then one that must fail.
    Multi {
        /// The parent.
        path: String,
        /// The pause between two operations.
        every: Duration,
    },
    /// Produces to a topic of Kafka.
    Produce(Produce),
    /// Consumes a topic of Kafka.
    Consume(Consume),
}

impl Work {
    /// The word for it: `write` in `write(w1)`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Write { .. } => "write",
            Self::Read { .. } => "read",
            Self::Lock { .. } => "lock",
            Self::Watch { .. } => "watch",
            Self::Sequence { .. } => "sequence",
            Self::Multi { .. } => "multi",
            Self::Produce(_) => "produce",
            Self::Consume(_) => "consume",
        }
    }

    /// The topic it works on, if it is a client of Kafka.
    pub fn topic(&self) -> Option<&str> {
        match self {
            Self::Produce(produce) => Some(&produce.topic),
            Self::Consume(consume) => Some(&consume.topic),
            _ => None,
        }
    }
}

/// All kinds of work.
pub const WORKS: [&str; 8] =
    ["write", "read", "lock", "watch", "sequence", "multi", "produce", "consume"];

/// The kinds of work that are done with brokers.
pub(super) const OF_KAFKA: [&str; 2] = ["produce", "consume"];

/// Reads one client.
pub fn read(value: Value<'_>, problems: &mut Problems) -> Option<Client> {
    let mut fields = Fields::at(value, "a client", problems)?;
    let id = fields.need_text("id", problems);
    let of_kafka = OF_KAFKA.into_iter().find(|work| fields.has(work));
    let mut mentions = Vec::new();
    let work = read_work(&mut fields, &mut mentions, problems);
    let start = fields.duration("start", problems);
    let timeout = match of_kafka {
        None => fields.duration("session-timeout", problems),
        Some(_) => None,
    };
    let knows = match of_kafka {
        None => read_knows(&mut fields, &mut mentions, problems),
        Some(work) => {
            fields.call(format!("a client that does `{work}`"));
            read_bootstrap(&mut fields, problems)
        }
    };
    fields.finish(problems);
    let id = id?;
    Some(Client {
        id: Located { value: id.value, span: id.span },
        work: work?,
        session_timeout: timeout.map_or(Duration::from_secs(6), |timeout| timeout.value),
        knows: knows?,
        start: start.map_or(Duration::ZERO, |start| start.value),
        mentions,
        span: value.span(),
    })
}

fn read_work(
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Work> {
    let written: Vec<_> = WORKS.into_iter().filter(|work| fields.has(work)).collect();
    let values: Vec<_> = WORKS.into_iter().filter_map(|work| fields.value(work)).collect();
    let (work, value) = match (&written[..], &values[..]) {
        ([work], [value]) => (*work, *value),
        ([], _) => {
            let report = problems.add("E0406", &fields.span, "a client needs something to do");
            let works = WORKS.map(|work| format!("`{work}`")).join(", ");
            report.label("no work here").help(format!("give it one of {works}"));
            return None;
        }
        _ => {
            let span = fields.key_span(written[1]);
            let report = problems.add("E0407", &span, "a client does one thing");
            let report =
                report.label("a second one").also(&fields.key_span(written[0]), "the first");
            report.help("declare a client for each");
            return None;
        }
    };
    let mut inner = Fields::at(value, &format!("`{work}`"), problems)?;
    if OF_KAFKA.contains(&work) {
        let work = kafka::client::read(work, &mut inner, mentions, problems);
        inner.finish(problems);
        return work;
    }
    let work = read_work_of_zookeeper(work, &mut inner, problems);
    inner.finish(problems);
    work
}

fn read_work_of_zookeeper(
    work: &str,
    inner: &mut Fields<'_>,
    problems: &mut Problems,
) -> Option<Work> {
    let every = || Duration::from_millis(100);
    let path = read_path(inner, problems);
    let pause = |inner: &mut Fields<'_>, problems: &mut Problems| {
        let pause = inner.duration("every", problems).map_or_else(every, |every| every.value);
        pause.max(Duration::from_millis(1))
    };
    match work {
        "write" => {
            let every = pause(inner, problems);
            let bytes = inner.number("bytes", problems).unwrap_or(32);
            if bytes > 1_000_000 {
                let span = inner.value_span("bytes");
                problems.add("E0105", &span, "a znode holds less than 1 MiB: at most 1000000");
            }
            let checked = flag(inner, "checked", problems);
            path.map(|path| Work::Write { path, every, bytes, checked })
        }
        "read" => {
            let every = pause(inner, problems);
            let sync = flag(inner, "sync", problems);
            path.map(|path| Work::Read { path, every, sync })
        }
        "lock" => {
            let queued = flag(inner, "queued", problems);
            path.map(|path| Work::Lock { path, queued })
        }
        "watch" => {
            let children = flag(inner, "children", problems);
            path.map(|path| Work::Watch { path, children })
        }
        "sequence" => {
            let every = pause(inner, problems);
            path.map(|path| Work::Sequence { path, every })
        }
        _ => {
            let every = pause(inner, problems);
            path.map(|path| Work::Multi { path, every })
        }
    }
}

/// A choice that is not made if it is not written.
fn flag(fields: &mut Fields<'_>, key: &'static str, problems: &mut Problems) -> bool {
    fields.flag(key, problems).unwrap_or(false)
}

fn read_path(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<String> {
    let path = fields.need_text("path", problems)?;
    let whole = path.value.starts_with('/')
        && path.value.len() > 1
        && path.value[1..].split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !whole || path.value.chars().any(char::is_control) {
        let message = format!("`{}` is not the path of a znode", path.value);
        let report = problems.add("E0110", &path.span, message);
        report.help("a path begins with `/`, does not end with it, and has no empty part");
        return None;
    }
    Some(path.value)
}

/// `bootstrap`: the addresses of brokers; those of all brokers, if not said.
fn read_bootstrap(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Knows> {
    if !fields.has("bootstrap") {
        fields.ignore(&["bootstrap"]);
        return Some(Knows::All);
    }
    kafka::client::read_bootstrap(fields, problems).map(Knows::Bootstrap)
}

fn read_knows(
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Knows> {
    let connect = fields.text("connect", problems);
    let servers = fields.text("servers", problems);
    match (connect, servers) {
        (Some(connect), Some(servers)) => {
            let message = "a client has `connect` or `servers`, not both";
            problems.add("E0403", &servers.span, message).also(&connect.span, "the other one");
            None
        }
        (Some(connect), None) => Some(Knows::Connect(connect.value)),
        (None, Some(servers)) => Some(Knows::Servers(verb::side(&servers, mentions, problems)?)),
        (None, None) => Some(Knows::All),
    }
}
