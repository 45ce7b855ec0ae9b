//! The simulated world, tried with toy machines: every behaviour has a test that fails without it.

mod determinism;
mod toys;
