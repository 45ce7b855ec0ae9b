//! What producers and consumers may rely on (PR-1, PR-4, CR-1 … CR-3), judged by what they were told.

mod order;
mod placed;
mod refused;
mod repeatable;
mod visible;

use super::Check;

/// The checks of this folder: producers' first, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<placed::Placed>::default(),
        Box::<refused::Refused>::default(),
        Box::<visible::Visible>::default(),
        Box::<order::Ascending>::default(),
        Box::<repeatable::Repeatable>::default(),
    ]
}

#[cfg(test)]
mod tests;
