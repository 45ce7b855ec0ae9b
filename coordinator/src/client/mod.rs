//! The other end of a session: a ZooKeeper client as a part that any machine can hold.
//!
//! [`SessionClient`] keeps one session alive as the Java client (`ClientCnxn`) does: it goes round the servers of its
//! [`ConnectString`], pings, notices silence, comes back with the old session and sets its watches again. What the
//! session is used for is its owner's business; see [`crate::workload`] for some owners. Not here: authentication and
//! read-only servers.

#[cfg(test)]
pub(crate) mod bench;
mod connect_string;
mod operation;
mod session;
#[cfg(test)]
mod tests;
mod watches;

pub use connect_string::{ConnectString, ConnectStringError, check_path};
pub use session::{ClientError, SessionClient, SessionEvent};
