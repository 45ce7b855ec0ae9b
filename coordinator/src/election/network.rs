//! Whole elections on a small network: seeded delays, resets, cuts and restarts, and what must hold all the same.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use bytes::Bytes;
use machine::{
    Chance, ChanceKey, Closed, Conn, Context, Disk, Duration, Host, Input, Instant, ListenError,
    Peer, WallTime,
};
use proptest::prelude::*;

use super::{Election, ElectionEvent, LISTENER, State, Vote};
use crate::config::Server;
use crate::id::{Epoch, ServerId, Zxid};
use crate::mechanism::{Mechanisms, Mutant};
use crate::note::ServerNote;
use crate::quorum::Voters;

/// How long a server stays in a role that does not come about (`initLimit`, shortened).
const GIVES_UP: Duration = Duration::from_secs(2);

/// What travels: an input for a node, or a call.
#[derive(Clone, Debug)]
enum Parcel {
    Input(Input),
    Call { from: usize, conn: Conn },
}

/// An end of a stream: (node, connection).
type End = (usize, Conn);

/// The wires between the nodes.
struct Net {
    now: Instant,
    chance: Chance,
    slowest: u64,
    resets_per_mille: u64,
    sequence: u64,
    under_way: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    parcels: BTreeMap<u64, (usize, Parcel)>,
    held: Vec<(usize, usize, Parcel)>,
    cuts: BTreeSet<(usize, usize)>,
    next_conn: u64,
    /// The other end of each open or opening stream.
    streams: BTreeMap<End, End>,
    /// Nothing arrives at an end before what was sent to it earlier.
    busy_until: BTreeMap<End, Instant>,
}

impl Net {
    fn conn(&mut self) -> Conn {
        self.next_conn += 1;
        Conn(self.next_conn)
    }

    /// Sends a parcel, or holds it while the way is cut.
    fn post(&mut self, from: usize, to: usize, stream: Option<Conn>, parcel: Parcel) {
        if self.cuts.contains(&(from, to)) {
            self.held.push((from, to, parcel));
            return;
        }
        let delay = Duration::from_micros(self.chance.between(100, self.slowest));
        let mut at = self.now + delay;
        if let Some(conn) = stream {
            let busy = self.busy_until.entry((to, conn)).or_default();
            at = at.max(*busy);
            *busy = at;
        }
        self.sequence += 1;
        self.under_way.push(Reverse((at, self.sequence, from)));
        self.parcels.insert(self.sequence, (to, parcel));
    }

    fn heal(&mut self) {
        self.cuts.clear();
        for (from, to, parcel) in std::mem::take(&mut self.held) {
            let stream = match &parcel {
                Parcel::Input(Input::Received { conn, .. } | Input::Closed { conn, .. }) => {
                    Some(*conn)
                }
                _ => None,
            };
            self.post(from, to, stream, parcel);
        }
    }

    /// Ends a stream from one side.
    fn hang_up(&mut self, near: End, why: Closed) {
        let Some(far) = self.streams.remove(&near) else { return };
        let closed = Parcel::Input(Input::Closed { conn: far.1, why });
        self.post(near.0, far.0, Some(far.1), closed);
    }

    /// Everything of a dead node is gone.
    fn bury(&mut self, node: usize) {
        let ends: Vec<End> = self.streams.keys().filter(|end| end.0 == node).copied().collect();
        for end in ends {
            self.hang_up(end, Closed::Reset);
        }
    }
}

/// The net as one node sees it.
struct Door<'a> {
    net: &'a mut Net,
    node: usize,
}

impl Host for Door<'_> {
    fn now(&self) -> Instant {
        self.net.now
    }
    fn wall(&self) -> WallTime {
        WallTime::default()
    }
    fn chance(&mut self, _key: ChanceKey) -> &mut Chance {
        &mut self.net.chance
    }
    fn disk(&mut self) -> &mut dyn Disk {
        unreachable!("an election keeps nothing on disk")
    }
    fn listen(&mut self, _listener: &'static str, _address: &str) -> Result<(), ListenError> {
        Ok(())
    }
    fn unlisten(&mut self, _listener: &'static str) {}
    fn dial(&mut self, address: &str) -> Conn {
        let to: usize = address
            .strip_prefix("zk-")
            .and_then(|rest| rest.split(':').next())
            .and_then(|number| number.parse().ok())
            .expect("addresses of this net are zk-N:3888");
        let conn = self.net.conn();
        self.net.post(self.node, to, None, Parcel::Call { from: self.node, conn });
        conn
    }
    fn send(&mut self, conn: Conn, bytes: Bytes) {
        let Some(far) = self.net.streams.get(&(self.node, conn)).copied() else { return };
        if self.net.chance.one_in(self.net.resets_per_mille, 1000) {
            // The bytes are lost with their stream; both ends learn of it.
            self.net.hang_up((self.node, conn), Closed::Reset);
            let closed = Parcel::Input(Input::Closed { conn, why: Closed::Reset });
            self.net.streams.insert((self.node, conn), far);
            self.net.post(self.node, self.node, Some(conn), closed);
            return;
        }
        let received = Parcel::Input(Input::Received { conn: far.1, bytes });
        self.net.post(self.node, far.0, Some(far.1), received);
    }
    fn queued(&self, _conn: Conn) -> usize {
        0
    }
    fn close(&mut self, conn: Conn) {
        self.net.hang_up((self.node, conn), Closed::Ended);
    }
    fn abort(&mut self, conn: Conn) {
        self.net.hang_up((self.node, conn), Closed::Reset);
    }
    fn exit(&mut self, _code: i32, _why: &str) {}
}

/// Servers 1 to n (index 0 is server 1), each with a fixed history.
struct Ensemble {
    net: Net,
    histories: Vec<(Zxid, Epoch)>,
    mechanisms: Mechanisms,
    nodes: Vec<Election>,
    /// When each node took its role.
    since: Vec<Instant>,
    elected: Vec<(usize, ElectionEvent)>,
}

impl Ensemble {
    fn new(seed: u64, histories: Vec<(Zxid, Epoch)>, mechanisms: Mechanisms) -> Self {
        let net = Net {
            now: Instant::ZERO,
            chance: Chance::stream(seed, "net", 0, ChanceKey { part: 0, purpose: "net" }),
            slowest: 25_000,
            resets_per_mille: 0,
            sequence: 0,
            under_way: BinaryHeap::new(),
            parcels: BTreeMap::new(),
            held: Vec::new(),
            cuts: BTreeSet::new(),
            next_conn: 0,
            streams: BTreeMap::new(),
            busy_until: BTreeMap::new(),
        };
        let count = histories.len();
        let mut ensemble = Self {
            net,
            histories,
            mechanisms,
            nodes: Vec::new(),
            since: vec![Instant::ZERO; count],
            elected: Vec::new(),
        };
        ensemble.nodes = (0..count).map(|node| ensemble.newborn(node)).collect();
        ensemble
    }

    fn voters(&self) -> Voters {
        Voters::majority((0..self.histories.len()).map(id))
    }

    fn newborn(&self, node: usize) -> Election {
        let server = |node: usize| Server {
            host: format!("zk-{node}"),
            quorum_port: 2888,
            election_port: 3888,
        };
        let servers = (0..self.histories.len()).map(|node| (id(node), server(node))).collect();
        let patience = Duration::from_secs(5);
        Election::new(id(node), &servers, self.voters(), patience, &self.mechanisms)
    }

    fn own(&self, node: usize) -> Vote {
        let (zxid, epoch) = self.histories[node];
        Vote { leader: id(node), zxid, epoch }
    }

    /// Lends one node to `play` and writes down what it elected.
    fn with(
        &mut self,
        node: usize,
        play: impl FnOnce(&mut Election, &mut Context<'_, ServerNote>, &mut Vec<ElectionEvent>),
    ) {
        let mut events = Vec::new();
        let mut say = |_: ServerNote| {};
        let mut door = Door { net: &mut self.net, node };
        play(&mut self.nodes[node], &mut Context::new(&mut door, &mut say), &mut events);
        for event in events {
            self.since[node] = self.net.now;
            self.elected.push((node, event));
        }
    }

    fn look(&mut self, node: usize) {
        let (zxid, epoch) = self.histories[node];
        self.with(node, |election, cx, events| election.look(zxid, epoch, cx, events));
    }

    fn restart(&mut self, node: usize) {
        self.net.bury(node);
        self.nodes[node] = self.newborn(node);
        self.look(node);
    }

    /// Servers that have a leader which leads and has a quorum.
    fn established(&self) -> BTreeSet<usize> {
        let nodes = 0..self.nodes.len();
        let of = |leader: ServerId| {
            let settled = nodes.clone().filter(move |node| {
                let election = &self.nodes[*node];
                election.state() != State::Looking && election.vote().leader == leader
            });
            settled.collect::<BTreeSet<_>>()
        };
        nodes
            .clone()
            .map(|node| (node, of(id(node))))
            .filter(|(leader, members)| {
                members.contains(leader)
                    && self.voters().is_quorum(members.iter().map(|node| id(*node)))
            })
            .flat_map(|(_, members)| members)
            .collect()
    }

    /// Runs for `span`; servers leave roles that do not come about.
    fn run(&mut self, span: Duration) {
        let end = self.net.now + span;
        loop {
            let arrival = self.net.under_way.peek().map(|Reverse((at, ..))| *at);
            let wakes = self.nodes.iter().filter_map(Election::wake_at).min();
            let next = arrival.into_iter().chain(wakes).min().unwrap_or(Instant::NEVER);
            let patrol = self.net.now + GIVES_UP.divided_by(4);
            let at = next.min(patrol).min(end).max(self.net.now);
            self.net.now = at;
            if arrival.is_some_and(|arrival| arrival <= at) {
                self.deliver();
            } else if wakes.is_some_and(|wake| wake <= at) {
                for node in 0..self.nodes.len() {
                    self.with(node, |node, cx, events| node.handle(&Input::Woke, cx, events));
                }
            }
            self.leave_hopeless_roles();
            if at == end {
                return;
            }
        }
    }

    fn leave_hopeless_roles(&mut self) {
        let established = self.established();
        for node in 0..self.nodes.len() {
            let tired = self.net.now.since(self.since[node]) >= GIVES_UP;
            let settled = self.nodes[node].state() != State::Looking;
            if settled && tired && !established.contains(&node) {
                self.look(node);
            }
        }
    }

    fn deliver(&mut self) {
        let Some(Reverse((_, sequence, from))) = self.net.under_way.pop() else { return };
        let (to, parcel) = self.net.parcels.remove(&sequence).expect("each is under way once");
        let input = match parcel {
            _ if self.net.cuts.contains(&(from, to)) => {
                self.net.held.push((from, to, parcel));
                return;
            }
            Parcel::Call { from, conn: far } => {
                let conn = self.net.conn();
                self.net.streams.insert((to, conn), (from, far));
                self.net.streams.insert((from, far), (to, conn));
                let opened = Input::Opened { conn: far, peer: Peer::Dialled };
                self.net.post(to, from, Some(far), Parcel::Input(opened));
                let from: Arc<str> = format!("zk-{from}").into();
                Input::Opened { conn, peer: Peer::Accepted { listener: LISTENER, from } }
            }
            Parcel::Input(input) => input,
        };
        match &input {
            Input::Closed { conn, .. } => drop(self.net.streams.remove(&(to, *conn))),
            Input::Received { conn, .. } | Input::Opened { conn, .. }
                if !self.net.streams.contains_key(&(to, *conn)) =>
            {
                return;
            }
            _ => {}
        }
        self.with(to, |node, cx, events| node.handle(&input, cx, events));
    }
}

fn id(node: usize) -> ServerId {
    ServerId(node as u64 + 1)
}

fn histories(count: impl Strategy<Value = usize>) -> impl Strategy<Value = Vec<(Zxid, Epoch)>> {
    let history = (0..3u32, 0..4u32);
    let one = history.prop_map(|(epoch, n)| (Zxid::new(Epoch(epoch), n), Epoch(epoch)));
    count.prop_flat_map(move |count| proptest::collection::vec(one.clone(), count))
}

/// Whether each leader that was elected is at least as good as the histories of a quorum.
fn leaders_know_what_a_quorum_knows(ensemble: &Ensemble) -> bool {
    ensemble.elected.iter().all(|(node, ElectionEvent::Elected { leader, vote, .. })| {
        let nodes = 0..ensemble.nodes.len();
        let not_better = nodes.filter(|other| ensemble.own(*other) <= *vote).map(id);
        id(*node) != *leader || ensemble.voters().is_quorum(not_better)
    })
}

/// A time with cuts, resets and restarts, then peace.
fn troubled(
    seed: u64,
    histories: Vec<(Zxid, Epoch)>,
    troubles: &[(u8, usize, usize)],
    mechanisms: Mechanisms,
) -> Ensemble {
    let mut ensemble = Ensemble::new(seed, histories, mechanisms);
    let count = ensemble.nodes.len();
    ensemble.net.resets_per_mille = 50;
    (0..count).for_each(|node| ensemble.look(node));
    for (kind, one, other) in troubles {
        let (one, other) = (one % count, other % count);
        match kind {
            0 => drop(ensemble.net.cuts.insert((one, other))),
            1 => ensemble.net.cuts.extend([(one, other), (other, one)]),
            2 => ensemble.restart(one),
            3 => ensemble.net.heal(),
            _ => ensemble.net.slowest = 1_000_000,
        }
        let span = ensemble.net.chance.between(50, 8_000);
        ensemble.run(Duration::from_millis(span));
    }
    ensemble.net.heal();
    ensemble.net.resets_per_mille = 0;
    ensemble.net.slowest = 25_000;
    ensemble
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// All start together, nothing is lost: one round, one leader, the best history.
    #[test]
    fn connected_servers_elect_the_best_history(seed: u64, histories in histories(2..6usize)) {
        let mut ensemble = Ensemble::new(seed, histories, Mechanisms::default());
        let count = ensemble.nodes.len();
        (0..count).for_each(|node| ensemble.look(node));
        ensemble.run(Duration::from_secs(1));
        let best = (0..count).map(|node| ensemble.own(node)).max().expect("there are servers");
        prop_assert_eq!(ensemble.elected.len(), count);
        for (_, ElectionEvent::Elected { leader, vote, round }) in &ensemble.elected {
            prop_assert_eq!((*leader, *vote, *round), (best.leader, best, 1));
        }
    }

    /// Whatever happened before: once all can talk, all have one leader, and no leader ever knew less than a quorum.
    #[test]
    fn peace_brings_one_leader(
        seed: u64,
        histories in histories(2..6usize),
        troubles in proptest::collection::vec((0u8..5, 0usize..5, 0usize..5), 0..12),
    ) {
        let mut ensemble = troubled(seed, histories, &troubles, Mechanisms::default());
        let count = ensemble.nodes.len();
        ensemble.run(Duration::from_secs(90));
        prop_assert_eq!(ensemble.established().len(), count);
        let leaders: BTreeSet<_> = ensemble.nodes.iter().map(|node| node.vote().leader).collect();
        prop_assert_eq!(leaders.len(), 1);
        prop_assert!(leaders_know_what_a_quorum_knows(&ensemble));
    }
}

fn with(mutant: Mutant) -> Mechanisms {
    Mechanisms { mutants: [mutant].into(), ..Mechanisms::default() }
}

/// Server 1 knows most.
fn first_knows_most() -> Vec<(Zxid, Epoch)> {
    let zxid = |n| (Zxid::new(Epoch(1), n), Epoch(1));
    vec![zxid(9), zxid(3), zxid(2)]
}

#[test]
fn votes_that_ignore_history_are_caught() {
    let mechanisms = with(Mutant::VotesIgnoreHistory);
    let ensemble = {
        let mut ensemble = troubled(1, first_knows_most(), &[], mechanisms);
        ensemble.run(Duration::from_secs(1));
        ensemble
    };
    assert!(!leaders_know_what_a_quorum_knows(&ensemble));
}

#[test]
fn stubborn_voters_elect_nobody() {
    let mut ensemble = troubled(1, first_knows_most(), &[], with(Mutant::StubbornVoter));
    ensemble.run(Duration::from_secs(300));
    assert!(ensemble.elected.is_empty());
}
