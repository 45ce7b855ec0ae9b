//! The full trace: JSON lines, a header first, then one line for each step and each fault.
//!
//! ```json
//! {"format":"rehearsal-trace","version":1,"seed":7}
//! {"at":0,"cause":null,"id":1,"incarnation":1,"input":{"kind":"booted"},"node":"zk-1",...}
//! {"at":5000000,"fault":{"do":"kill","node":0}}
//! ```
//!
//! Times are µs of the world. Bytes are given as length and hexadecimal digits.

use std::fmt::Write as _;
use std::io::{self, Write};

use bytes::Bytes;
use machine::{Input, Instant, Note, Peer};
use serde_json::{Value, json};

use crate::world::{Fault, Output, Step};

/// Writes a trace.
#[derive(Debug)]
pub struct Trace<W> {
    to: W,
    shown: usize,
}

impl<W: Write> Trace<W> {
    /// What a header calls the format.
    pub const FORMAT: &'static str = "rehearsal-trace";
    /// The version of the format.
    pub const VERSION: u32 = 1;

    /// Begins a trace. Of longer pieces of bytes only the first 64 are written.
    ///
    /// # Errors
    /// Writing failed.
    pub fn new(mut to: W, seed: u64) -> io::Result<Self> {
        let header = json!({ "format": Self::FORMAT, "version": Self::VERSION, "seed": seed });
        writeln!(to, "{header}")?;
        Ok(Self { to, shown: 64 })
    }

    /// Writes all bytes, however many.
    pub fn with_all_bytes(mut self) -> Self {
        self.shown = usize::MAX;
        self
    }

    /// Writes a step; `node` is its node's name.
    ///
    /// # Errors
    /// Writing failed.
    pub fn step<N: Note>(&mut self, node: &str, step: &Step<N>) -> io::Result<()> {
        let outputs: Vec<Value> = step.outputs.iter().map(|output| self.output(output)).collect();
        let notes: Vec<String> = step.notes.iter().map(N::to_string).collect();
        let mut line = json!({
            "id": step.id,
            "at": step.at,
            "node": node,
            "incarnation": step.incarnation,
            "input": self.input(&step.input),
            "outputs": outputs,
            "notes": notes,
            "cause": step.cause,
        });
        if let Some(message) = &step.panicked {
            line["panicked"] = json!(message);
        }
        writeln!(self.to, "{line}")
    }

    /// Writes a fault that was applied at `at`.
    ///
    /// # Errors
    /// Writing failed.
    pub fn fault(&mut self, at: Instant, fault: &Fault) -> io::Result<()> {
        writeln!(self.to, "{}", json!({ "at": at, "fault": fault }))
    }

    /// Ends the trace and gives back what it was written to.
    ///
    /// # Errors
    /// Writing failed.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }

    fn hex(&self, bytes: &Bytes) -> String {
        let mut text = String::new();
        for byte in &bytes[..bytes.len().min(self.shown)] {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        text
    }

    fn input(&self, input: &Input) -> Value {
        match input {
            Input::Booted => json!({ "kind": "booted" }),
            Input::Opened { conn, peer: Peer::Dialled } => {
                json!({ "kind": "opened", "conn": conn })
            }
            Input::Opened { conn, peer: Peer::Accepted { listener, from } } => {
                json!({ "kind": "accepted", "conn": conn, "listener": listener, "from": &**from })
            }
            Input::Received { conn, bytes } => {
                let (len, hex) = (bytes.len(), self.hex(bytes));
                json!({ "kind": "received", "conn": conn, "len": len, "hex": hex })
            }
            Input::Drained { conn } => json!({ "kind": "drained", "conn": conn }),
            Input::Closed { conn, why } => json!({ "kind": "closed", "conn": conn, "why": why }),
            Input::Synced { ticket, result } => {
                json!({ "kind": "synced", "ticket": ticket, "error": result.err() })
            }
            Input::Ready { ticket } => json!({ "kind": "ready", "ticket": ticket }),
            Input::Woke => json!({ "kind": "woke" }),
            Input::Stop => json!({ "kind": "stop" }),
        }
    }

    fn output(&self, output: &Output) -> Value {
        match output {
            Output::Sent { conn, bytes } => {
                json!({ "kind": "sent", "conn": conn, "len": bytes.len(), "hex": self.hex(bytes) })
            }
            Output::Dialled { conn, address } => {
                json!({ "kind": "dialled", "conn": conn, "address": &**address })
            }
            Output::Listening { listener, address } => {
                json!({ "kind": "listening", "listener": listener, "address": &**address })
            }
            Output::Unlistened { listener } => {
                json!({ "kind": "unlistened", "listener": listener })
            }
            Output::Closed { conn } => json!({ "kind": "closed", "conn": conn }),
            Output::Aborted { conn } => json!({ "kind": "aborted", "conn": conn }),
            Output::Exited { code, why } => {
                json!({ "kind": "exited", "code": code, "why": &**why })
            }
            disk => disk_output(disk),
        }
    }
}

fn disk_output(output: &Output) -> Value {
    match output {
        Output::MadeDirectory { path } => json!({ "kind": "made-directory", "path": &**path }),
        Output::DiskWrote { path, offset, len } => {
            json!({ "kind": "wrote", "path": &**path, "offset": offset, "len": len })
        }
        Output::Appended { path, offset, len } => {
            json!({ "kind": "appended", "path": &**path, "offset": offset, "len": len })
        }
        Output::Truncated { path, len } => {
            json!({ "kind": "truncated", "path": &**path, "len": len })
        }
        Output::Renamed { from, to } => json!({ "kind": "renamed", "from": &**from, "to": &**to }),
        Output::Removed { path } => json!({ "kind": "removed", "path": &**path }),
        Output::SyncAsked { ticket, path } => {
            json!({ "kind": "sync-asked", "ticket": ticket, "path": &**path })
        }
        Output::DiskFailed { path, error } => {
            json!({ "kind": "disk-failed", "path": &**path, "error": error })
        }
        other => unreachable!("{other:?} has nothing to do with the disk"),
    }
}
