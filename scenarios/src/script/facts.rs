//! What a condition or a selector can ask about a running cluster. The player answers; nothing is
//! decided here.
//!
//! Truth is what an observer of everything knows; belief is what one server takes to be so.

use super::selector::Role;

/// The state of a client's session, as the client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// It never had one.
    New,
    /// It has one, and a connection.
    Connected,
    /// It has one, as far as it knows, and no connection.
    Disconnected,
    /// It was told that its session is gone, and has no new one.
    Expired,
}

impl SessionState {
    /// All, with the words for them.
    pub const ALL: [(&str, Self); 4] = [
        ("new", Self::New),
        ("connected", Self::Connected),
        ("disconnected", Self::Disconnected),
        ("expired", Self::Expired),
    ];
}

/// What can be asked of a running cluster. Nodes, clients and steps are named as in the plan.
pub trait Facts {
    /// All ZooKeeper servers, in the order of the cluster.
    fn servers(&self) -> Vec<String>;

    /// Whether this node is in this state now.
    fn is(&self, node: &str, role: Role) -> bool;

    /// Truth: a leader is serving its quorum.
    fn quorum(&self) -> bool {
        self.leader().is_some()
    }

    /// Truth: the server that leads with a quorum and serves; a leader whose quorum is gone is
    /// none.
    fn leader(&self) -> Option<String>;

    /// Belief: whom this server follows, or itself if it believes that it leads.
    fn leader_seen_by(&self, node: &str) -> Option<String>;

    /// Truth: the epoch of the latest leader that was established; 0 before the first.
    fn epoch(&self) -> u64;

    /// Belief: the epoch this server is in.
    fn epoch_seen_by(&self, node: &str) -> u64;

    /// The nodes this step picked when it last fired; none before.
    fn victims(&self, step: &str) -> Vec<String>;

    /// The other side this step picked when it last fired; none before, or if it has one side only.
    fn peers(&self, step: &str) -> Vec<String>;

    /// The state of this client's session.
    fn session(&self, client: &str) -> SessionState;

    /// How often a session of this client expired.
    fn expirations(&self, client: &str) -> u64;

    /// The server this client is connected to.
    fn server_of(&self, client: &str) -> Option<String>;

    /// Whether this client holds its lock, as far as it can be sure.
    fn holds_lock(&self, client: &str) -> bool;

    /// How many operations of this client succeeded.
    fn acked(&self, client: &str) -> u64;

    /// How many operations of this client ended in an error or in CONNECTIONLOSS.
    fn failed(&self, client: &str) -> u64;

    /// How many watches of this client fired.
    fn events(&self, client: &str) -> u64;
}
