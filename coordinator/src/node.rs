//! One ZooKeeper server: it recovers, looks for a leader, follows or leads, and starts over when that ends.
//!
//! ```text
//!            recovered             elected
//! Recovering ---------> Looking ----------> Following | Leading
//!     ^  \                                        |
//!     |   \ no ensemble                           | the leader, or a quorum, is lost
//!     |    `---------> Standalone                 v
//!     `------------------------------------- leaves its role
//! ```

use machine::{Conn, Context, Input, Instant, Machine, Peer};
use serde::Serialize;

use crate::config::Config;
use crate::election::{self, Election, ElectionEvent};
use crate::id::{Epoch, ServerId, Zxid};
use crate::log::{Recovered, StorageEvent};
use crate::mechanism::{Database, DiskFailure};
use crate::note::ServerNote;
use crate::server::clients::Wish;
use crate::server::replica::Replica;
use crate::zab::LeavesRole;
use crate::zab::follower::Follower;
use crate::zab::leader::Leader;
use crate::zab::standalone::Standalone;

/// A ZooKeeper server.
pub struct Coordinator {
    config: Config,
    life: Option<Life>,
}

/// What a server is from boot to death.
struct Life {
    replica: Replica,
    election: Option<Election>,
    role: Role,
    /// The epoch others are told of, once this server serves in it.
    announced: Option<Epoch>,
    takes_clients: bool,
    elected: Vec<ElectionEvent>,
    wishes: Vec<Wish>,
}

enum Role {
    Recovering,
    Looking,
    Following(Box<Follower>),
    Leading(Box<Leader>),
    Standalone(Box<Standalone>),
    Dead,
}

/// A server as people look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// `myid`.
    pub id: ServerId,
    /// `recovering`, `looking`, `following`, `leading`, `standalone` or `dead`.
    pub state: &'static str,
    /// Whether clients are served.
    pub serving: bool,
    /// The leader it knows: itself if it leads.
    pub leader: Option<ServerId>,
    /// `currentEpoch`.
    pub epoch: Epoch,
    /// `acceptedEpoch`.
    pub accepted: Epoch,
    /// The last transaction applied.
    pub last: Zxid,
    /// The last transaction in the log, and the last one known to be on disk.
    pub logged: (Zxid, Zxid),
    /// The digest of the tree.
    pub tree: u64,
    /// How many znodes there are.
    pub znodes: usize,
    /// How many sessions are open, by this server's tree.
    pub sessions: usize,
    /// Client connections, and requests that wait for an answer.
    pub clients: (usize, usize),
}

impl Coordinator {
    /// A server with this configuration, not booted yet.
    pub fn new(config: Config) -> Self {
        Self { config, life: None }
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What applies to the tree of this server: for tests that compare views with folds.
    pub fn tree(&self) -> Option<&crate::tree::DataTree> {
        self.life.as_ref().map(|life| &life.replica.tree)
    }
}

impl Machine for Coordinator {
    type Note = ServerNote;
    type View = View;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, ServerNote>) {
        match (&mut self.life, &input) {
            (_, Input::Booted) => self.life = Some(Life::begin(&self.config, cx)),
            (_, Input::Stop) => {
                if let Some(life) = &mut self.life {
                    life.leave_role(cx);
                }
                self.life = None;
                cx.exit(0, "stopped");
                return;
            }
            (Some(life), _) => life.handle(&input, cx),
            (None, _) => {}
        }
        if let Some(life) = &mut self.life {
            life.settle(cx);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let life = self.life.as_ref()?;
        let election = life.election.as_ref().and_then(Election::wake_at);
        let role = match &life.role {
            Role::Following(follower) => follower.wake_at(),
            Role::Leading(leader) => leader.wake_at(),
            Role::Standalone(standalone) => standalone.wake_at(),
            Role::Dead => return None,
            Role::Recovering | Role::Looking => None,
        };
        [election, role, life.replica.storage.wake_at()].into_iter().flatten().min()
    }

    fn view(&self) -> View {
        match &self.life {
            Some(life) => life.view(),
            None => View {
                id: self.config.id,
                state: "dead",
                serving: false,
                leader: None,
                epoch: Epoch(0),
                accepted: Epoch(0),
                last: Zxid::ZERO,
                logged: (Zxid::ZERO, Zxid::ZERO),
                tree: 0,
                znodes: 0,
                sessions: 0,
                clients: (0, 0),
            },
        }
    }
}

impl Life {
    fn begin(config: &Config, cx: &mut Context<'_, ServerNote>) -> Self {
        let mut replica = Replica::new(config.clone(), cx.wall().as_millis());
        let mut role = Role::Recovering;
        let mut election = None;
        if !config.is_standalone() {
            let servers = &config.servers;
            let voters = replica.voters.clone();
            let patience = config.connect_timeout;
            election =
                Some(Election::new(config.id, servers, voters, patience, &config.mechanisms));
        }
        if let Some(election) = &mut election
            && cx.part("election", |note| note, |cx| election.open(cx)).is_err()
        {
            cx.note(ServerNote::RefusedToStart("cannot open the election port".into()));
            cx.exit(1, "cannot open the election port");
            role = Role::Dead;
        } else {
            replica.storage.recover(cx, &mut replica.stored);
        }
        let (elected, wishes) = (Vec::new(), Vec::new());
        Self { replica, election, role, announced: None, takes_clients: false, elected, wishes }
    }

    fn handle(&mut self, input: &Input, cx: &mut Context<'_, ServerNote>) {
        let Self { replica, election, elected, .. } = self;
        replica.storage.handle(input, &replica.tree, cx, &mut replica.stored);
        if let Some(election) = election {
            cx.part("election", |note| note, |cx| election.handle(input, cx, elected));
        }
        match input {
            Input::Opened { conn, peer: Peer::Accepted { listener: "client", from } } => {
                self.replica.clients.opened(*conn, from.clone(), cx);
            }
            Input::Received { conn, bytes } if self.replica.clients.owns(*conn) => {
                let Replica { clients, tree, .. } = &mut self.replica;
                clients.received(*conn, bytes, tree, cx, &mut self.wishes);
            }
            Input::Closed { conn, .. } if self.replica.clients.owns(*conn) => {
                self.replica.clients.closed(*conn);
            }
            _ => self.handle_in_role(input, cx),
        }
    }

    fn handle_in_role(&mut self, input: &Input, cx: &mut Context<'_, ServerNote>) {
        let accepted_quorum =
            matches!(input, Input::Opened { peer: Peer::Accepted { listener: "quorum", .. }, .. });
        let mine = |owns: &dyn Fn(Conn) -> bool| match input {
            Input::Opened { conn, peer: Peer::Dialled }
            | Input::Received { conn, .. }
            | Input::Drained { conn }
            | Input::Closed { conn, .. } => owns(*conn),
            Input::Opened { .. } => false,
            _ => true,
        };
        let replica = &mut self.replica;
        let outcome = match &mut self.role {
            Role::Following(follower) if mine(&|conn| follower.owns(conn)) => {
                follower.handle(input, replica, cx)
            }
            Role::Leading(leader) if accepted_quorum || mine(&|conn| leader.owns(conn)) => {
                leader.handle(input, replica, cx)
            }
            Role::Standalone(standalone) if matches!(input, Input::Woke) => {
                standalone.woke(replica, cx)
            }
            _ if accepted_quorum => {
                // It came while the port was being closed.
                if let Input::Opened { conn, .. } = input {
                    cx.close(*conn);
                }
                Ok(())
            }
            _ => Ok(()),
        };
        self.end_role_on(outcome, cx);
    }

    /// Passes on what the parts produced until nothing is left.
    fn settle(&mut self, cx: &mut Context<'_, ServerNote>) {
        loop {
            if !self.elected.is_empty() {
                let ElectionEvent::Elected { leader, .. } = self.elected.remove(0);
                self.take_role(leader, cx);
            } else if !self.replica.stored.is_empty() {
                let event = self.replica.stored.remove(0);
                self.stored(event, cx);
            } else if !self.wishes.is_empty() {
                let wish = self.wishes.remove(0);
                self.wish(wish, cx);
            } else {
                let Replica { clients, tree, .. } = &mut self.replica;
                clients.read_opened(tree, cx, &mut self.wishes);
                if self.wishes.is_empty() {
                    break;
                }
            }
        }
        match &mut self.role {
            Role::Leading(leader) => leader.touch_own(&mut self.replica, cx),
            Role::Standalone(standalone) => standalone.touch_own(&mut self.replica, cx),
            _ => {}
        }
        self.announce();
    }

    /// Newcomers are told the epoch this server serves in (QuorumPeer.updateElectionVote, ZOOKEEPER-1732).
    fn announce(&mut self) {
        let serving = match &self.role {
            Role::Following(follower) if follower.leader().1 => Some(follower.epoch()),
            Role::Leading(leader) if leader.epoch().1 => Some(leader.epoch().0),
            _ => None,
        };
        if let Some(epoch) = serving
            && self.announced != serving
            && let Some(election) = &mut self.election
        {
            election.serves(epoch);
        }
        self.announced = serving;
    }

    fn stored(&mut self, event: StorageEvent, cx: &mut Context<'_, ServerNote>) {
        let event = match event {
            StorageEvent::Recovered(recovered) if matches!(self.role, Role::Recovering) => {
                self.recovered(*recovered, cx);
                return;
            }
            StorageEvent::Unreadable(why) => {
                cx.note(ServerNote::RefusedToStart(why.clone()));
                self.die(1, &why, cx);
                return;
            }
            StorageEvent::Failed { what, .. } => {
                self.disk_failed(what, cx);
                return;
            }
            event => event,
        };
        // What is on the disk holds in every role, also in one that did not ask for it.
        match event {
            StorageEvent::EpochAccepted { epoch } => self.replica.accepted = epoch,
            StorageEvent::EpochCurrent { epoch } => self.replica.current = epoch,
            _ => {}
        }
        let outcome = match &mut self.role {
            Role::Following(follower) => follower.stored(event, &mut self.replica, cx),
            Role::Leading(leader) => leader.stored(event, &mut self.replica, cx),
            Role::Standalone(standalone) => {
                standalone.commit(&mut self.replica, cx);
                Ok(())
            }
            Role::Recovering | Role::Looking | Role::Dead => Ok(()),
        };
        self.end_role_on(outcome, cx);
    }

    fn wish(&mut self, wish: Wish, cx: &mut Context<'_, ServerNote>) {
        let outcome = match &mut self.role {
            Role::Following(follower) => {
                follower.wish(wish, &mut self.replica, cx);
                Ok(())
            }
            Role::Leading(leader) => leader.wish(wish, &mut self.replica, cx),
            Role::Standalone(standalone) => standalone.wish(wish, &mut self.replica, cx),
            // Its client is gone with the role.
            Role::Recovering | Role::Looking | Role::Dead => Ok(()),
        };
        self.end_role_on(outcome, cx);
    }

    /// The disk is read. The client port opens now and stays open in all roles; who comes while nobody leads is sent away.
    fn recovered(&mut self, recovered: Recovered, cx: &mut Context<'_, ServerNote>) {
        self.replica.load(recovered);
        if !self.takes_clients
            && let Some(address) = self.replica.config.client_address.clone()
        {
            self.takes_clients = true;
            if cx.listen("client", &address).is_err() {
                let why = "cannot open the client port";
                cx.note(ServerNote::RefusedToStart(why.into()));
                self.die(1, why, cx);
                return;
            }
        }
        match self.election {
            None => {
                let standalone = Standalone::new(&mut self.replica, cx);
                self.role = Role::Standalone(Box::new(standalone));
            }
            Some(_) => self.look(cx),
        }
    }

    fn look(&mut self, cx: &mut Context<'_, ServerNote>) {
        self.role = Role::Looking;
        let (last, current) = (self.replica.last_zxid(), self.replica.current);
        let Self { election, elected, .. } = self;
        if let Some(election) = election {
            cx.part("election", |note| note, |cx| election.look(last, current, cx, elected));
        }
    }

    fn take_role(&mut self, leader: ServerId, cx: &mut Context<'_, ServerNote>) {
        if !matches!(self.role, Role::Looking) {
            return;
        }
        let Some(election) = &mut self.election else { return };
        if leader == self.replica.config.id {
            election.settle(election::State::Leading);
            match Leader::new(&mut self.replica, cx) {
                Ok(leader) => self.role = Role::Leading(Box::new(leader)),
                Err(why) => self.end_role_on(Err(why), cx),
            }
        } else {
            election.settle(election::State::Following);
            let follower = Follower::new(leader, &self.replica, cx);
            self.role = Role::Following(Box::new(follower));
        }
    }

    fn end_role_on(&mut self, outcome: Result<(), LeavesRole>, cx: &mut Context<'_, ServerNote>) {
        let Err(LeavesRole(why)) = outcome else { return };
        cx.note(ServerNote::LeavesRole(why));
        let truncating = matches!(&self.role, Role::Following(one) if one.is_truncating());
        self.leave_role(cx);
        if matches!(self.role, Role::Dead) {
            return;
        }
        if truncating {
            // The cut goes on, and the disk is read when it is done.
            self.role = Role::Recovering;
            return;
        }
        match self.replica.config.mechanisms.database {
            Database::Reloaded => self.reload(cx),
            Database::Retained | Database::RetainedAndFastForwarded => self.look(cx),
        }
    }

    fn reload(&mut self, cx: &mut Context<'_, ServerNote>) {
        self.role = Role::Recovering;
        self.replica.storage.recover(cx, &mut self.replica.stored);
    }

    /// Closes what the role had open. What was logged and not committed is kept in memory if this version does so.
    fn leave_role(&mut self, cx: &mut Context<'_, ServerNote>) {
        self.wishes.clear();
        self.replica.clients.stop_serving(cx);
        let keeps = self.replica.config.mechanisms.database == Database::RetainedAndFastForwarded;
        let uncommitted: Vec<_> = match &mut self.role {
            Role::Following(follower) => {
                follower.leave(cx);
                follower.uncommitted().cloned().collect()
            }
            Role::Leading(leader) => {
                leader.leave(cx);
                leader.uncommitted().cloned().collect()
            }
            _ => Vec::new(),
        };
        if keeps {
            uncommitted.iter().for_each(|record| self.replica.replay(record));
        }
    }

    fn disk_failed(&mut self, what: &'static str, cx: &mut Context<'_, ServerNote>) {
        let leaves = self.replica.config.mechanisms.disk_failure == DiskFailure::LeavesTheRole;
        let in_role = matches!(self.role, Role::Following(_) | Role::Leading(_));
        if leaves && in_role {
            // Memory may hold what the log refused, so that no version's memory can be kept here.
            cx.note(ServerNote::LeavesRole(what));
            self.leave_role(cx);
            self.replica.stored.clear();
            self.reload(cx);
        } else {
            self.die(11, what, cx);
        }
    }

    fn die(&mut self, code: i32, why: &str, cx: &mut Context<'_, ServerNote>) {
        self.leave_role(cx);
        self.role = Role::Dead;
        self.replica.stored.clear();
        self.elected.clear();
        cx.exit(code, why);
    }

    fn view(&self) -> View {
        let replica = &self.replica;
        let (state, leader) = match &self.role {
            Role::Recovering => ("recovering", None),
            Role::Looking => ("looking", None),
            Role::Following(follower) => ("following", Some(follower.leader().0)),
            Role::Leading(_) => ("leading", Some(replica.config.id)),
            Role::Standalone(_) => ("standalone", Some(replica.config.id)),
            Role::Dead => ("dead", None),
        };
        View {
            id: replica.config.id,
            state,
            serving: replica.clients.is_serving(),
            leader,
            epoch: replica.current,
            accepted: replica.accepted,
            last: replica.last_zxid(),
            logged: (replica.storage.logged(), replica.storage.synced()),
            tree: replica.tree.digest(),
            znodes: replica.tree.len(),
            sessions: replica.tree.sessions().len(),
            clients: replica.clients.counts(),
        }
    }
}
