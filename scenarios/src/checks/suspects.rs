//! Partitions that checks with bounds look at: all but those in which nothing can be amiss.
//!
//! They are chosen anew only where that may have changed. Debug builds choose them at every look, to prove it.

use crate::scene::Outside;
use crate::scene::kafka::{Kafka, Partition};

/// Partitions that exist and are to stay, but for settled ones while all brokers are up.
#[derive(Debug, Default)]
pub struct Suspects {
    places: Vec<usize>,
    /// What they were chosen by: the picture's shape, and whether all brokers were up.
    chosen_by: Option<(u64, bool)>,
}

impl Suspects {
    /// Looks at the world.
    pub fn look(&mut self, kafka: &Kafka, outside: &dyn Outside) {
        let all_up = kafka.brokers.iter().all(|broker| outside.is_up(broker.node));
        let choose = || {
            let suspect = kafka.lasting().filter(|(_, one)| !all_up || !kafka.is_settled(one));
            suspect.map(|(place, _)| place).collect()
        };
        let by = Some((kafka.shape(), all_up));
        if self.chosen_by != by {
            self.chosen_by = by;
            self.places = choose();
        }
        debug_assert_eq!(self.places, choose(), "the shape has changed");
    }

    /// Each with its place.
    pub fn of<'a>(&'a self, kafka: &'a Kafka) -> impl Iterator<Item = (usize, &'a Partition)> {
        self.places.iter().map(|place| (*place, &kafka.partitions[*place]))
    }
}
