//! Random histories: the tree against a simple model, through [`crate::prep`] with writes outstanding, and replays over
//! fuzzy snapshots.
