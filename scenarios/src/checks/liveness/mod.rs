//! What must happen in time once nothing is in the way (LV-0 …). Each bound is derived from the configuration of servers and
//! brokers.

mod delivered;
mod leader;
mod led;
mod preferred;
mod rejoined;
mod returned;
mod served;
mod since;

use super::Check;

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![
        Box::<leader::Led>::default(),
        Box::<led::LedPartitions>::default(),
        Box::<delivered::Delivered>::default(),
        Box::<returned::Returned>::default(),
        Box::<rejoined::Rejoined>::default(),
        Box::<served::Served>::default(),
        Box::<preferred::Preferred>::default(),
    ]
}

#[cfg(test)]
mod tests;
