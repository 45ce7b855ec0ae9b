//! Who is called what, and where a name and a port lead from there: containers on shared networks, the machine, and the ports
//! it publishes.

use crate::cluster::{Host, MACHINE, Published};

/// Who is called what.
pub(super) struct Names<'h> {
    pub hosts: &'h [Host],
    pub published: &'h [Published],
    /// What to do about a name that leads nowhere.
    pub help: &'h str,
}

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'h> {
    pub host: &'h str,
    pub port: u16,
    /// Through the loopback: only who is on the host itself can go there.
    pub is_loopback: bool,
}

/// Whether this name is the loopback.
pub(super) fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.starts_with("127.")
        || matches!(name, "::1" | "[::1]")
}

/// Whether this is an address of the machine, as far as a file can tell: a number, or Docker's own names for it.
pub(super) fn is_machine(name: &str) -> bool {
    let is_number = name.parse::<core::net::Ipv4Addr>().is_ok_and(|ip| !ip.is_unspecified());
    let names = ["host.docker.internal", "docker.for.mac.localhost", "docker.for.win.localhost"];
    (is_number && !is_loopback(name)) || names.contains(&name)
}

fn is_any(name: &str) -> bool {
    matches!(name, "" | "0.0.0.0" | "::")
}

impl<'h> Names<'h> {
    /// The host that `name` means to somebody on `from`; the loopback is `from` itself.
    pub fn seen_from(&self, from: &str, name: &str) -> Option<&'h str> {
        let here = self.hosts.iter().find(|host| host.name == from)?;
        if is_loopback(name) || is_any(name) {
            return Some(&here.name);
        }
        let shared = |network: &str| here.networks.iter().any(|own| own.name == network);
        self.find(name, &shared)
    }

    /// The host that `name` means to somebody on all networks.
    pub fn anywhere(&self, name: &str) -> Option<&'h str> {
        self.find(name, &|_| true)
    }

    /// Where this address leads from a container.
    pub fn leads(&self, from: &str, name: &str, port: u16) -> Option<Place<'h>> {
        let host = self.seen_from(from, name)?;
        Some(self.forwarded(Place { host, port, is_loopback: is_loopback(name) }))
    }

    /// Where this address leads from the machine, for somebody who knows the names of containers too.
    pub fn leads_from_machine(&self, name: &str, port: u16) -> Option<Place<'h>> {
        if is_loopback(name) {
            return self.published(port);
        }
        let host = self.anywhere(name)?;
        Some(self.forwarded(Place { host, port, is_loopback: false }))
    }

    /// Where a port of the machine leads.
    pub fn published(&self, port: u16) -> Option<Place<'h>> {
        let published = self.published.iter().find(|one| one.port == port)?;
        Some(Place { host: &published.host, port: published.to, is_loopback: false })
    }

    fn forwarded(&self, place: Place<'h>) -> Place<'h> {
        let forwarded = self.published(place.port).filter(|to| to.host != place.host);
        forwarded.filter(|_| place.host == MACHINE).unwrap_or(place)
    }

    fn find(&self, name: &str, network_counts: &dyn Fn(&str) -> bool) -> Option<&'h str> {
        let is_called = |host: &&Host| {
            host.networks.iter().any(|network| {
                network_counts(&network.name)
                    && network.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
            })
        };
        self.hosts.iter().find(is_called).map(|host| host.name.as_str())
    }
}
