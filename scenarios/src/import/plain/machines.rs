//! The machines that servers without containers run on: which of them share one, and what they are called.

use crate::cluster::{Host, Network};

/// The network all of them are on.
pub(super) const NETWORK: &str = "lan";

/// All machines, by place.
#[derive(Default)]
pub(super) struct Machines {
    pub hosts: Vec<Host>,
}

impl Machines {
    /// A new machine; where the name is taken, another one is found.
    pub fn add(&mut self, name: &str) -> usize {
        let taken = |name: &str| self.hosts.iter().any(|host| host.name == name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        let network = Network { name: NETWORK.to_owned(), aliases: vec![name.clone()] };
        self.hosts.push(Host { name, networks: vec![network] });
        self.hosts.len() - 1
    }

    /// What a machine is called.
    pub fn name(&self, place: usize) -> &str {
        &self.hosts[place].name
    }

    /// The first machine that others call so.
    pub fn called(&self, name: &str) -> Option<usize> {
        let aliases = |host: &Host| {
            let mut aliases = host.networks.iter().flat_map(|network| &network.aliases);
            aliases.any(|alias| alias.eq_ignore_ascii_case(name))
        };
        self.hosts.iter().position(aliases)
    }

    /// Gives a machine the names of an address: in full, and before its first dot.
    pub fn call(&mut self, place: usize, address: &str) {
        for alias in [address, first_label(address)] {
            for network in &mut self.hosts[place].networks {
                if !alias.is_empty() && network.aliases.iter().all(|known| known != alias) {
                    network.aliases.push(alias.to_owned());
                }
            }
        }
    }
}

/// `kafka-1` of `kafka-1.example.org`; an address of numbers has no labels.
pub(super) fn first_label(host: &str) -> &str {
    match host.chars().any(|letter| letter.is_ascii_alphabetic()) {
        true => host.split('.').next().unwrap_or_default(),
        false => host,
    }
}
