//! The environments a machine can live in.

pub mod live;
