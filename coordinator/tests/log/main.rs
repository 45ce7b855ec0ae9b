//! The durable state of a server: transcripts of what it asks of the disk, bytes that other tools can read, and lives that end
//! at any moment.

mod bytes;
mod crashes;
mod failures;
mod host;
mod keeper;
mod transcripts;
