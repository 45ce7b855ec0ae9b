//! What must happen in time once nothing is in the way (LV-0 …). Each bound is derived from the servers' own configuration.

mod leader;

use super::Check;

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![Box::<leader::Led>::default()]
}
