//! Which socket address a name means: a table of placed names first, the operating system's
//! resolver for the rest.
//!
//! `zk-1:2181` can so stand for `127.0.0.1:40001`, both for the node that listens there and for all
//! that dial it, while their configuration keeps the addresses of the real cluster.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard, PoisonError};

use machine::{Closed, ListenError};

/// Names with their places, shared by all nodes of one [`super::Live`].
#[derive(Debug, Default)]
pub(super) struct Names {
    places: Mutex<BTreeMap<(String, u16), SocketAddr>>,
}

impl Names {
    /// From now on `host:port` means `place`.
    pub(super) fn place(&self, host: &str, port: u16, place: SocketAddr) {
        self.places().insert((host.to_owned(), port), place);
    }

    /// Where `host:port` was placed.
    pub(super) fn placed(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.places().get(&(host.to_owned(), port)).copied()
    }

    /// Where a node with the names `own` listens when it says `address`.
    ///
    /// # Errors
    /// The address does not parse, or its host is unknown.
    pub(super) fn to_listen(
        &self,
        own: &[String],
        address: &str,
    ) -> Result<SocketAddr, ListenError> {
        let (host, port) = split(address).ok_or(ListenError::NotOurAddress)?;
        if is_everywhere(host) || is_here(host) {
            if let Some(place) = own.iter().find_map(|own| self.placed(own, port)) {
                return Ok(place);
            }
        } else if let Some(place) = self.placed(host, port) {
            return if own.iter().any(|own| own == host) {
                Ok(place)
            } else {
                Err(ListenError::NotOurAddress)
            };
        }
        let host = if host.is_empty() || host == "*" { "0.0.0.0" } else { host };
        let mut found = (host, port).to_socket_addrs().map_err(|_| ListenError::NotOurAddress)?;
        found.next().ok_or(ListenError::NotOurAddress)
    }

    /// The places a node with the names `own` tries when it dials `address`.
    ///
    /// # Errors
    /// Nobody has that name, or a placed host has no such port.
    pub(super) async fn to_dial(
        &self,
        own: &[String],
        address: &str,
    ) -> Result<Vec<SocketAddr>, Closed> {
        let (host, port) = split(address).ok_or(Closed::UnknownName)?;
        if is_here(host) || is_everywhere(host) {
            if let Some(place) = own.iter().find_map(|own| self.placed(own, port)) {
                return Ok(vec![place]);
            }
        } else if let Some(place) = self.placed(host, port) {
            return Ok(vec![place]);
        } else if self.places().keys().any(|(placed, _)| placed == host) {
            return Err(Closed::Refused);
        }
        match tokio::net::lookup_host((host, port)).await {
            Ok(found) => Ok(found.collect()),
            Err(_) => Err(Closed::UnknownName),
        }
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<(String, u16), SocketAddr>> {
        // A panic elsewhere cannot leave a map half written.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a failed socket call tells the machine.
pub(super) fn closed_by(error: &std::io::Error) -> Closed {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::AddrNotAvailable => Closed::Refused,
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Closed::TimedOut
        }
        _ => Closed::Reset,
    }
}

/// `host:port`, the host without the brackets of an IPv6 address.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some((host, port))
}

fn is_everywhere(host: &str) -> bool {
    matches!(host, "" | "*" | "0.0.0.0" | "::")
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "::1") || host.starts_with("127.")
}
