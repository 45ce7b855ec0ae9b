//! The simulated world, tried with toy machines: every behaviour has a test that fails without it.

mod clocks;
mod determinism;
mod disks;
mod names;
mod network;
mod schedules;
mod toys;
