//! The library as tests of other crates use it.

mod built;
mod files;
mod guests;
mod holds;
mod stepping;
