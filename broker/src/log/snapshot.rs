//! Producer snapshots. Idempotent producers are not modelled, so that they are all alike: empty.

/// `Offset.snapshot` without producers: version 1, CRC-32C of the rest, no entries.
pub(super) const EMPTY: [u8; 10] = [0, 1, 0x48, 0x67, 0x4b, 0xc7, 0, 0, 0, 0];
/// Its size.
pub(super) const SIZE: u64 = EMPTY.len() as u64;
