//! A test for each file of a folder.

scenarios::tests!("tests/testing/scenarios", seeds(1..=2));
