//! The partitions of one broker on a bench: requests in, answers and notes out, written down for a person to review.

mod anything;
mod control;
mod copying;
mod in_sync;
mod producing;
mod stand;
mod words;
