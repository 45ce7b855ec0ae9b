//! What is on brokers' disks (ST-1 … ST-6): what a restart finds, what checkpoints say, what is served and deleted.

mod checkpoints;
mod ordered;
mod recovered;
mod retention;
mod served;

use super::Check;

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<recovered::Recovery>::default(),
        Box::<checkpoints::Checkpoints>::default(),
        Box::<ordered::Ordered>::default(),
        Box::<served::Served>::default(),
        Box::<retention::Retention>::default(),
    ]
}

#[cfg(test)]
mod tests;
