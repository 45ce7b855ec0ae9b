//! Hosts, the networks they share, the names they have there, who listens, and what every directed
//! link does to packets.
//!
//! Two hosts reach each other if they share a network. Not here: connections ([`super::stream`]).

use std::sync::Arc;

use machine::{Chance, ChanceKey, ListenError};

use super::fault::HostId;

/// The first retransmission time-out of Linux's TCP, µs; it doubles up to [`RTO_MAX`].
pub(crate) const RTO: u64 = 200_000;
/// The longest retransmission time-out, µs.
pub(crate) const RTO_MAX: u64 = 120_000_000;
/// A link gives a piece no more than so many losses in a row.
const LOSSES_MAX: u32 = 15;
/// At least one in so many pieces is split.
const SPLIT_RARELY: u64 = 64;
/// Shorter pieces stay whole.
const SPLIT_MIN: usize = 16;
/// Longer pieces are always split: nobody reads more at once.
const PIECE_MAX: usize = 64 * 1024;

/// A host to be: its name and, for each network it is on, the network's name and what others there
/// may call it.
///
/// `localhost` and `127.x.x.x` are always the host itself; its own name it can resolve itself,
/// others only by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSpec {
    /// Its own name.
    pub name: String,
    /// The networks it is on, with its aliases there.
    pub networks: Vec<(String, Vec<String>)>,
}

impl HostSpec {
    /// A host on one network called `net`, known there by its own name.
    pub fn simple(name: &str) -> Self {
        Self { name: name.into(), networks: vec![("net".into(), vec![name.into()])] }
    }
}

/// The interface an address stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Loopback,
    Network(u32),
}

/// What a listener is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Bind {
    Any,
    Loopback,
    Networks(Vec<u32>),
}

impl Bind {
    fn takes(&self, via: Via) -> bool {
        match (self, via) {
            (Self::Any, _) | (Self::Loopback, Via::Loopback) => true,
            (Self::Networks(networks), Via::Network(network)) => networks.contains(&network),
            _ => false,
        }
    }

    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Loopback, Self::Loopback) => true,
            (Self::Networks(ours), Self::Networks(theirs)) => {
                ours.iter().any(|network| theirs.contains(network))
            }
            _ => false,
        }
    }
}

struct Listener {
    port: u16,
    bind: Bind,
    node: u32,
    name: &'static str,
}

pub(crate) struct Host {
    pub(crate) name: Arc<str>,
    pub(crate) powered: bool,
    networks: Vec<(u32, Vec<String>)>,
    listeners: Vec<Listener>,
    forwards: Vec<Forward>,
}

/// A port of a host that leads to a port of another one, as `docker run -p` makes them.
struct Forward {
    port: u16,
    to: u32,
    to_port: u16,
}

/// One direction between two hosts.
struct Link {
    low: u64,
    high: u64,
    cut: bool,
    tamper: bool,
    per_million: u32,
    bytes_per_second: u64,
    busy_until: u64,
    latency: Chance,
    /// Pieces until the next one is split.
    until_split: u64,
    splits: Chance,
    /// Losses and tampering, made when first needed.
    mishaps: Option<Box<Chance>>,
}

/// All hosts and links.
pub(crate) struct Network {
    seed: u64,
    pub(crate) hosts: Vec<Host>,
    names: Vec<String>,
    /// In shells, so that adding a host moves nothing: see [`place`].
    links: Vec<Link>,
    loopback_name: Arc<str>,
}

/// The place of the link `from -> to`: host `n` adds the shell of all links between it and hosts up
/// to `n`.
#[inline]
fn place(from: u32, to: u32) -> usize {
    let (from, to) = (from as usize, to as usize);
    if from >= to { from * from + to } else { to * to + to + 1 + from }
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        let loopback_name = "127.0.0.1".into();
        Self { seed, hosts: Vec::new(), names: Vec::new(), links: Vec::new(), loopback_name }
    }

    pub(crate) fn add_host(&mut self, spec: HostSpec) -> HostId {
        let new = self.hosts.len() as u32;
        let networks = spec.networks.into_iter();
        let networks = networks.map(|(name, aliases)| (self.network(name), aliases)).collect();
        let name = spec.name.into();
        let (listeners, forwards) = (Vec::new(), Vec::new());
        self.hosts.push(Host { name, powered: true, networks, listeners, forwards });
        for to in 0..=new {
            self.add_link(new, to);
        }
        for from in 0..new {
            self.add_link(from, new);
        }
        HostId(new)
    }

    fn network(&mut self, name: String) -> u32 {
        let known = self.names.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }) as u32
    }

    fn add_link(&mut self, from: u32, to: u32) {
        debug_assert_eq!(place(from, to), self.links.len(), "links are added in their order");
        let (low, high) = if from == to { (20, 60) } else { (250, 750) };
        let latency = self.stream(from, to, "latency");
        let mut splits = self.stream(from, to, "splits");
        self.links.push(Link {
            low,
            high,
            cut: false,
            tamper: false,
            per_million: 0,
            bytes_per_second: 0,
            busy_until: 0,
            latency,
            until_split: splits.between(SPLIT_RARELY / 4, SPLIT_RARELY),
            splits,
            mishaps: None,
        });
    }

    fn stream(&self, from: u32, to: u32, purpose: &'static str) -> Chance {
        let (from, to) = (&self.hosts[from as usize].name, &self.hosts[to as usize].name);
        Chance::stream(self.seed, &format!("{from} > {to}"), 0, ChanceKey { part: 0, purpose })
    }

    /// Whether a packet from `from` arrives at `to` now, both hosts being on.
    #[inline]
    pub(crate) fn open(&self, from: u32, to: u32) -> bool {
        !self.links[place(from, to)].cut && self.hosts[to as usize].powered
    }

    /// Whether two hosts have a network in common.
    pub(crate) fn share_network(&self, a: u32, b: u32) -> bool {
        let (ours, theirs) = (&self.hosts[a as usize].networks, &self.hosts[b as usize].networks);
        a == b || ours.iter().any(|(ours, _)| theirs.iter().any(|(theirs, _)| ours == theirs))
    }

    /// When a packet of `len` bytes that leaves now arrives: after the bytes before it, its own
    /// bytes, the latency, and a retransmission time-out for every loss.
    #[inline]
    pub(crate) fn travel(&mut self, from: u32, to: u32, len: usize, now: u64) -> u64 {
        let link = &mut self.links[place(from, to)];
        let mut at = now;
        let micro_bytes = (len as u64).saturating_mul(1_000_000);
        if let Some(sending) = micro_bytes.checked_div(link.bytes_per_second) {
            link.busy_until = link.busy_until.max(now).saturating_add(sending);
            at = link.busy_until;
        }
        at = at.saturating_add(link.low + link.latency.below(link.high - link.low + 1));
        if link.per_million != 0 { at.saturating_add(self.losses(from, to)) } else { at }
    }

    fn losses(&mut self, from: u32, to: u32) -> u64 {
        let per_million = self.links[place(from, to)].per_million;
        let (mut late, mut rto) = (0, RTO);
        for _ in 0..LOSSES_MAX {
            if !self.mishaps(from, to).one_in(u64::from(per_million), 1_000_000) {
                break;
            }
            late += rto;
            rto = (rto * 2).min(RTO_MAX);
        }
        late
    }

    /// Whether a packet that is not repeated by the link itself (a SYN) is lost by chance.
    pub(crate) fn loses(&mut self, from: u32, to: u32) -> bool {
        let per_million = u64::from(self.links[place(from, to)].per_million);
        per_million != 0 && self.mishaps(from, to).one_in(per_million, 1_000_000)
    }

    fn mishaps(&mut self, from: u32, to: u32) -> &mut Chance {
        if self.links[place(from, to)].mishaps.is_none() {
            let stream = self.stream(from, to, "mishaps");
            self.links[place(from, to)].mishaps = Some(Box::new(stream));
        }
        self.links[place(from, to)].mishaps.as_mut().expect("made above")
    }

    /// Where the next piece of `len` bytes over this link ends. Streams keep no boundaries: long
    /// pieces are split, and now and then any piece is, so that nobody comes to rely on them.
    #[inline]
    pub(crate) fn piece(&mut self, from: u32, to: u32, len: usize) -> usize {
        let link = &mut self.links[place(from, to)];
        if len < SPLIT_MIN {
            return len;
        }
        if link.until_split > 0 {
            link.until_split -= 1;
            return len.min(PIECE_MAX);
        }
        link.until_split = link.splits.between(1, SPLIT_RARELY);
        link.splits.between(1, len.min(PIECE_MAX) as u64 - 1) as usize
    }

    /// A bit to flip in the `len` bytes that just arrived, if somebody asked for it.
    #[inline]
    pub(crate) fn tampered_bit(&mut self, from: u32, to: u32, len: usize) -> Option<usize> {
        if !self.links[place(from, to)].tamper {
            return None;
        }
        self.links[place(from, to)].tamper = false;
        Some(self.mishaps(from, to).below(len as u64 * 8) as usize)
    }

    pub(crate) fn tamper(&mut self, from: HostId, to: HostId) {
        self.links[place(from.0, to.0)].tamper = true;
    }

    /// Cuts or heals one direction. A host always reaches itself.
    pub(crate) fn set_cut(&mut self, from: HostId, to: HostId, cut: bool) {
        self.links[place(from.0, to.0)].cut = cut && from != to;
    }

    pub(crate) fn heal_all(&mut self) {
        self.links.iter_mut().for_each(|link| link.cut = false);
    }

    pub(crate) fn set_latency(&mut self, from: HostId, to: HostId, low: u64, high: u64) {
        let link = &mut self.links[place(from.0, to.0)];
        (link.low, link.high) = (low, high.max(low).min(u64::MAX - 1));
    }

    pub(crate) fn set_loss(&mut self, from: HostId, to: HostId, per_million: u32) {
        self.links[place(from.0, to.0)].per_million = per_million.min(1_000_000);
    }

    pub(crate) fn set_bandwidth(&mut self, from: HostId, to: HostId, bytes_per_second: u64) {
        self.links[place(from.0, to.0)].bytes_per_second = bytes_per_second;
    }
}

/// Whether all is well.
impl Network {
    /// Whether a link is neither slow nor lossy nor narrow, whether or not it is cut.
    pub(crate) fn is_good(&self, from: u32, to: u32) -> bool {
        let link = &self.links[place(from, to)];
        let wide = link.bytes_per_second == 0 || link.bytes_per_second >= 1_000_000;
        link.high <= 500_000 && link.per_million <= 1_000 && wide
    }
}

/// Names and listeners.
impl Network {
    /// Where `address` leads from `host`: the host, the interface and the port. `None` if there is
    /// no such name.
    pub(crate) fn resolve(&self, host: u32, address: &str) -> Option<(u32, Via, u16)> {
        let (there, via, port) = self.named(host, address)?;
        let forwards = &self.hosts[there as usize].forwards;
        let Some(forward) = forwards.iter().find(|forward| forward.port == port) else {
            return Some((there, via, port));
        };
        let network = self.hosts[forward.to as usize].networks.first();
        let via = network.map_or(Via::Loopback, |(network, _)| Via::Network(*network));
        Some((forward.to, via, forward.to_port))
    }

    /// Whoever dials this port of `host`, by whatever name, comes to that port of `to`.
    pub(crate) fn forward(&mut self, host: u32, port: u16, to: u32, to_port: u16) {
        self.hosts[host as usize].forwards.push(Forward { port, to, to_port });
    }

    /// The host of that name, the interface, and the port as it is written.
    fn named(&self, host: u32, address: &str) -> Option<(u32, Via, u16)> {
        let (name, port) = split(address)?;
        if is_loopback(name) || is_any(name) {
            return Some((host, Via::Loopback, port));
        }
        for (network, _) in &self.hosts[host as usize].networks {
            for (other, found) in self.hosts.iter().enumerate() {
                let on_it = found.networks.iter().filter(|(theirs, _)| theirs == network);
                if on_it.into_iter().any(|(_, aliases)| aliases.iter().any(|a| a == name)) {
                    return Some((other as u32, Via::Network(*network), port));
                }
            }
        }
        let own = &self.hosts[host as usize];
        (*own.name == *name).then(|| {
            let network = own.networks.first();
            (host, network.map_or(Via::Loopback, |(network, _)| Via::Network(*network)), port)
        })
    }

    /// Opens a listener.
    pub(crate) fn listen(
        &mut self,
        host: u32,
        node: u32,
        name: &'static str,
        address: &str,
    ) -> Result<(), ListenError> {
        let (bound, port) = split(address).ok_or(ListenError::NotOurAddress)?;
        let host = &mut self.hosts[host as usize];
        let bind = host.bind(bound).ok_or(ListenError::NotOurAddress)?;
        let taken = |other: &Listener| {
            (other.port == port && other.bind.overlaps(&bind))
                || (other.node == node && other.name == name)
        };
        if host.listeners.iter().any(taken) {
            return Err(ListenError::AddressInUse);
        }
        host.listeners.push(Listener { port, bind, node, name });
        Ok(())
    }

    /// Closes a node's listener with this name, or all of them.
    pub(crate) fn unlisten(&mut self, host: u32, node: u32, name: Option<&str>) {
        let listeners = &mut self.hosts[host as usize].listeners;
        listeners.retain(|l| l.node != node || name.is_some_and(|name| name != l.name));
    }

    /// Who takes a connection to this port of `host` through this interface.
    pub(crate) fn listener(&self, host: u32, via: Via, port: u16) -> Option<(u32, &'static str)> {
        let mut listeners = self.hosts[host as usize].listeners.iter();
        let listener = listeners.find(|l| l.port == port && l.bind.takes(via))?;
        Some((listener.node, listener.name))
    }

    /// The source address a listener sees of a connection that came through this interface.
    pub(crate) fn source(&self, host: u32, via: Via) -> Arc<str> {
        match via {
            Via::Loopback => Arc::clone(&self.loopback_name),
            Via::Network(_) => Arc::clone(&self.hosts[host as usize].name),
        }
    }
}

impl Host {
    fn bind(&self, name: &str) -> Option<Bind> {
        if is_any(name) {
            return Some(Bind::Any);
        }
        if is_loopback(name) {
            return Some(Bind::Loopback);
        }
        let named = self.networks.iter().filter(|(_, aliases)| aliases.iter().any(|a| a == name));
        let mut networks: Vec<u32> = named.map(|(network, _)| *network).collect();
        if networks.is_empty() && *self.name == *name {
            networks = self.networks.iter().map(|(network, _)| *network).collect();
        }
        (!networks.is_empty()).then_some(Bind::Networks(networks))
    }
}

fn split(address: &str) -> Option<(&str, u16)> {
    let (name, port) = address.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    Some((bare.unwrap_or(name), port))
}

fn is_any(name: &str) -> bool {
    matches!(name, "0.0.0.0" | "::" | "")
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name == "::1" || name.starts_with("127.")
}
