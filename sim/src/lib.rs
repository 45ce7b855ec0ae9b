//! The environments a machine can live in, and what is written down about its life.
//!
//! [`world`] simulates network, disks, clocks and processes by itself; [`recorder`] says whether
//! two runs were the same and writes traces; [`hosted`] runs a world in madsim's virtual time, with
//! or without async guests; [`live`] is real sockets and files. Not here: protocols, and what a
//! scenario means.

pub mod hosted;
pub mod live;
pub mod recorder;
pub mod world;
