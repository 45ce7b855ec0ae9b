//! Connect strings: `host[:port],…[/chroot]`, and the order in which a client goes round the hosts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use machine::{Chance, Duration};

/// The port where none is given.
const DEFAULT_PORT: u16 = 2181;

/// How long a client waits when it has been round all servers once (`StaticHostProvider.next(1000)`).
const ROUND_PAUSE: Duration = Duration::from_millis(1_000);

/// Which servers a client tries, and the znode all its paths are below.
///
/// The chroot begins at the *first* `/` and goes to the end, for all hosts: `a:2181/kafka,b:2181/kafka` is one host and
/// the chroot `/kafka,b:2181/kafka`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectString {
    servers: Vec<Arc<str>>,
    chroot: Option<Arc<str>>,
}

/// Why a connect string is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectStringError {
    /// Where, in bytes from its beginning.
    pub at: usize,
    /// What is the matter.
    pub what: &'static str,
}

impl fmt::Display for ConnectStringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connect string, character {}: {}", self.at + 1, self.what)
    }
}

impl std::error::Error for ConnectStringError {}

impl FromStr for ConnectString {
    type Err = ConnectStringError;

    fn from_str(text: &str) -> Result<Self, ConnectStringError> {
        let (hosts, chroot) = match text.find('/') {
            None => (text, None),
            Some(slash) => (&text[..slash], Some((slash, &text[slash..]))),
        };
        let chroot = match chroot {
            None | Some((_, "/")) => None,
            Some((slash, path)) => {
                check_path(path)
                    .map_err(|(at, what)| ConnectStringError { at: slash + at, what })?;
                Some(path.into())
            }
        };
        // A comma at the end is one too many, but Java does not mind.
        let hosts = hosts.trim_end_matches(',');
        let mut servers = Vec::new();
        let mut at = 0;
        for host in hosts.split(',') {
            servers.push(server(host, at)?);
            at += host.len() + 1;
        }
        Ok(Self { servers, chroot })
    }
}

fn server(text: &str, at: usize) -> Result<Arc<str>, ConnectStringError> {
    let (host, port) = match text.rfind(':') {
        None => (text, DEFAULT_PORT),
        Some(colon) if colon + 1 == text.len() => (&text[..colon], DEFAULT_PORT),
        Some(colon) => {
            let at = at + colon + 1;
            let port = text[colon + 1..]
                .parse()
                .map_err(|_| ConnectStringError { at, what: "a port must be a number to 65535" })?;
            (&text[..colon], port)
        }
    };
    if host.is_empty() {
        return Err(ConnectStringError { at, what: "a host name is missing" });
    }
    Ok(format!("{host}:{port}").into())
}

/// Whether this is a path a znode can have.
///
/// # Errors
/// The byte where it is not, and why.
pub fn check_path(path: &str) -> Result<(), (usize, &'static str)> {
    if !path.starts_with('/') {
        return Err((0, "a path must begin with /"));
    }
    if path == "/" {
        return Ok(());
    }
    let mut at = 1;
    for name in path[1..].split('/') {
        match name {
            "" => return Err((at, "a path must not have an empty name in it, or end with /")),
            "." | ".." => return Err((at, "a path must not have . or .. in it")),
            _ => {}
        }
        let forbidden = |c: char| {
            c.is_control()
                || ('\u{e000}'..='\u{f8ff}').contains(&c)
                || ('\u{fff0}'..='\u{ffff}').contains(&c)
        };
        if let Some(bad) = name.find(forbidden) {
            return Err((at + bad, "a path must not have such a character in it"));
        }
        at += name.len() + 1;
    }
    Ok(())
}

impl ConnectString {
    /// The servers in the order written, each `host:port`. Never empty.
    pub fn servers(&self) -> &[Arc<str>] {
        &self.servers
    }

    /// What all paths are below, if it is not the root.
    pub fn chroot(&self) -> Option<&Arc<str>> {
        self.chroot.as_ref()
    }

    /// The same servers, with all paths as they are.
    pub fn without_chroot(&self) -> Self {
        Self { servers: self.servers.clone(), chroot: None }
    }

    /// The path as servers know it.
    pub fn full(&self, path: &str) -> Arc<str> {
        match &self.chroot {
            None => path.into(),
            Some(chroot) if path == "/" => chroot.clone(),
            Some(chroot) => format!("{chroot}{path}").into(),
        }
    }

    /// The path as this client's user knows it; one outside the chroot stays as it is.
    pub fn below(&self, path: &Arc<str>) -> Arc<str> {
        match self.chroot.as_deref().and_then(|chroot| path.strip_prefix(chroot)) {
            None => path.clone(),
            Some("") => "/".into(),
            Some(below) if below.starts_with('/') => below.into(),
            Some(_) => path.clone(),
        }
    }
}

impl fmt::Display for ConnectString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.servers.join(","), self.chroot.as_deref().unwrap_or(""))
    }
}

/// A client's way round its servers: shuffled once, then always in that order, with a rest after each fruitless round
/// (`StaticHostProvider`).
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    servers: Vec<Arc<str>>,
    next: usize,
    /// Coming by here again completes a round.
    round_ends_at: Option<usize>,
}

impl Rotation {
    pub(super) fn new(connect: &ConnectString, chance: &mut Chance) -> Self {
        let mut servers = connect.servers.clone();
        chance.shuffle(&mut servers);
        Self { servers, next: 0, round_ends_at: None }
    }

    /// The next server, and how long to wait before trying it.
    pub(super) fn next(&mut self) -> (Arc<str>, Duration) {
        let current = self.next;
        self.next = (current + 1) % self.servers.len();
        let rest = match self.round_ends_at {
            Some(end) if end == current => ROUND_PAUSE,
            Some(_) => Duration::ZERO,
            None => {
                self.round_ends_at = Some(0);
                Duration::ZERO
            }
        };
        (self.servers[current].clone(), rest)
    }

    /// The server last given out has answered: rounds now end there.
    pub(super) fn connected(&mut self) {
        let count = self.servers.len();
        self.round_ends_at = Some((self.next + count - 1) % count);
    }
}
