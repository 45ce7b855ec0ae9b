//! What the controller decides (CT-1 … CT-7): who leads, who has which replicas, and what becomes of topics.

mod deleted;
mod elected;
mod growth;
mod requests;
mod spread;
mod throne;
mod two_leaders;

use super::Check;

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<requests::Requests>::default(),
        Box::<throne::Throne>::default(),
        Box::<two_leaders::TwoLeaders>::default(),
        Box::<elected::Elected>::default(),
        Box::<spread::Spread>::default(),
        Box::<growth::Growth>::default(),
        Box::<deleted::Deleted>::default(),
    ]
}

#[cfg(test)]
mod tests;
