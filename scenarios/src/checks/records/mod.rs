//! What producers and consumers may rely on (PR-1, PR-4, CR-1 … CR-3), judged by what they were told.

mod visible;

use super::Check;

/// The checks of this folder, in the order of their ids.
pub fn all() -> Vec<Box<dyn Check>> {
    vec![Box::<visible::Visible>::default()]
}
