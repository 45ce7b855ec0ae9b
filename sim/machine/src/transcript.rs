//! A host for tests: one machine on a bench, its inputs and outputs written down as text that a person can review.
//!
//! Time stands still until the test moves it; disks are a map; syncs are answered when the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bytes::Bytes;

use crate::{
    Chance, ChanceKey, Closed, Conn, Context, Disk, DiskError, Duration, Host, Input, Instant,
    ListenError, Machine, Peer, Ticket, WallTime,
};

/// Renders the bytes of one stream for the transcript: `(stream, bytes) -> text`.
pub type Render = Box<dyn FnMut(Conn, &Bytes) -> String>;

/// A machine on the bench, and everything that was said and done so far.
pub struct Bench<M: Machine> {
    machine: M,
    host: BenchHost,
}

impl<M: Machine> Bench<M> {
    /// Puts a machine on the bench without booting it.
    pub fn new(machine: M) -> Self {
        Self { machine, host: BenchHost::new() }
    }

    /// Renders streams with `render` instead of as byte counts.
    pub fn rendering(mut self, render: impl FnMut(Conn, &Bytes) -> String + 'static) -> Self {
        self.host.render = Box::new(render);
        self
    }

    /// Does not answer syncs by itself; use [`Self::sync`].
    pub fn holding_syncs(mut self) -> Self {
        self.host.hold_syncs = true;
        self
    }

    /// Gives one input, then the answers to all syncs it asked for (unless they are held).
    pub fn give(&mut self, input: Input) -> &mut Self {
        self.handle(input);
        if !self.host.hold_syncs {
            self.sync();
        }
        self
    }

    /// Begins a life.
    pub fn boot(&mut self) -> &mut Self {
        self.give(Input::Booted)
    }

    /// Somebody connects to a listener.
    pub fn accept(&mut self, listener: &'static str, from: &str) -> Conn {
        let conn = self.host.conn();
        self.give(Input::Opened { conn, peer: Peer::Accepted { listener, from: from.into() } });
        conn
    }

    /// The dialled stream opens.
    pub fn opened(&mut self, conn: Conn) -> &mut Self {
        self.give(Input::Opened { conn, peer: Peer::Dialled })
    }

    /// Bytes arrive.
    pub fn receive(&mut self, conn: Conn, bytes: impl Into<Bytes>) -> &mut Self {
        self.give(Input::Received { conn, bytes: bytes.into() })
    }

    /// A stream ends.
    pub fn closed(&mut self, conn: Conn, why: Closed) -> &mut Self {
        self.give(Input::Closed { conn, why })
    }

    /// Answers all syncs asked for so far.
    pub fn sync(&mut self) -> &mut Self {
        while let Some(ticket) = self.host.unsynced.pop_first() {
            self.handle(Input::Synced { ticket, result: Ok(()) });
        }
        self
    }

    /// Lets time pass, waking the machine whenever it asked for it.
    pub fn advance(&mut self, span: Duration) -> &mut Self {
        let end = self.host.now + span;
        // A machine that asks to be woken at once for ever would hang the bench.
        for _ in 0..1_000_000 {
            match self.machine.wake_at() {
                Some(at) if at <= end => {
                    self.host.now = self.host.now.max(at);
                    self.give(Input::Woke);
                }
                _ => {
                    self.host.now = end;
                    return self;
                }
            }
        }
        panic!("the machine asked to be woken a million times within {span}");
    }

    /// A new life with the same disk.
    pub fn restart(&mut self, machine: M) -> &mut Self {
        self.machine = machine;
        self.host.unsynced.clear();
        self.host.line("-- restart");
        self.boot()
    }

    /// A remark in the transcript.
    pub fn remark(&mut self, text: &str) -> &mut Self {
        self.host.line(&format!("-- {text}"));
        self
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The files.
    pub fn disk(&mut self) -> &mut MemoryDisk {
        &mut self.host.disk
    }

    /// The streams dialled so far, in order, with their addresses.
    pub fn dialled(&self) -> &[(Conn, String)] {
        &self.host.dialled
    }

    /// Everything sent so far on a stream.
    pub fn sent(&self, conn: Conn) -> Vec<Bytes> {
        self.host
            .sent
            .iter()
            .filter(|(to, _)| *to == conn)
            .map(|(_, bytes)| bytes.clone())
            .collect()
    }

    /// The bench's clock.
    pub fn now(&self) -> Instant {
        self.host.now
    }

    /// Takes the transcript written since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.host.text)
    }

    fn handle(&mut self, input: Input) {
        let heading = match &input {
            Input::Received { conn, bytes } => {
                format!("{conn:?} received {}", (self.host.render)(*conn, bytes))
            }
            other => format!("{other:?}"),
        };
        self.host.line(&format!("> {} {heading}", self.host.now));
        let mut notes = Vec::new();
        let mut say = |note: M::Note| notes.push(note.to_string());
        self.machine.handle(input, &mut Context::new(&mut self.host, &mut say));
        for note in notes {
            self.host.line(&format!("  * {note}"));
        }
    }
}

struct BenchHost {
    now: Instant,
    disk: MemoryDisk,
    chances: BTreeMap<ChanceKey, Chance>,
    unsynced: BTreeSet<Ticket>,
    hold_syncs: bool,
    next_conn: u64,
    dialled: Vec<(Conn, String)>,
    sent: Vec<(Conn, Bytes)>,
    render: Render,
    text: String,
}

impl BenchHost {
    fn new() -> Self {
        Self {
            now: Instant::ZERO,
            disk: MemoryDisk::default(),
            chances: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            hold_syncs: false,
            next_conn: 0,
            dialled: Vec::new(),
            sent: Vec::new(),
            render: Box::new(|_, bytes| format!("{} bytes", bytes.len())),
            text: String::new(),
        }
    }

    fn conn(&mut self) -> Conn {
        self.next_conn += 1;
        Conn(self.next_conn)
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("writing to a string cannot fail");
    }

    /// Tickets handed out by the disk since the last call become answerable.
    fn collect_tickets(&mut self) {
        self.unsynced.append(&mut self.disk.asked);
    }
}

impl Host for BenchHost {
    fn now(&self) -> Instant {
        self.now
    }
    fn wall(&self) -> WallTime {
        WallTime::from_micros(1_600_000_000_000_000 + self.now.as_micros())
    }
    fn chance(&mut self, key: ChanceKey) -> &mut Chance {
        self.chances.entry(key).or_insert_with(|| Chance::stream(1, "bench", 0, key))
    }
    fn disk(&mut self) -> &mut dyn Disk {
        self.collect_tickets();
        self
    }
    fn listen(&mut self, listener: &'static str, address: &str) -> Result<(), ListenError> {
        self.line(&format!("  listens {listener} on {address}"));
        Ok(())
    }
    fn unlisten(&mut self, listener: &'static str) {
        self.line(&format!("  no longer listens {listener}"));
    }
    fn dial(&mut self, address: &str) -> Conn {
        let conn = self.conn();
        self.line(&format!("  {conn:?} dials {address}"));
        self.dialled.push((conn, address.to_owned()));
        conn
    }
    fn send(&mut self, conn: Conn, bytes: Bytes) {
        let text = (self.render)(conn, &bytes);
        self.line(&format!("  {conn:?} sends {text}"));
        self.sent.push((conn, bytes));
    }
    fn queued(&self, _conn: Conn) -> usize {
        0
    }
    fn close(&mut self, conn: Conn) {
        self.line(&format!("  {conn:?} closes"));
    }
    fn abort(&mut self, conn: Conn) {
        self.line(&format!("  {conn:?} aborts"));
    }
    fn exit(&mut self, code: i32, why: &str) {
        self.line(&format!("  exits {code}: {why}"));
    }
}

/// The bench's own door to its files: the same map, with the syncs written down.
impl Disk for BenchHost {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        self.disk.create_dir(path)
    }
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        self.disk.list(path)
    }
    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        self.disk.len(path)
    }
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        self.line(&format!("  appends {} bytes to {path}", bytes.len()));
        self.disk.append(path, bytes)
    }
    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.line(&format!("  writes {} bytes at {offset} of {path}", bytes.len()));
        self.disk.write(path, offset, bytes)
    }
    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        self.disk.read(path, offset, length)
    }
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        self.line(&format!("  truncates {path} to {length}"));
        self.disk.truncate(path, length)
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.line(&format!("  renames {from} to {to}"));
        self.disk.rename(from, to)
    }
    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.disk.remove(path)
    }
    fn sync(&mut self, path: &str) -> Ticket {
        self.line(&format!("  syncs {path}"));
        let ticket = self.disk.sync(path);
        self.collect_tickets();
        ticket
    }
    fn sync_dir(&mut self, path: &str) -> Ticket {
        self.line(&format!("  syncs directory {path}"));
        let ticket = self.disk.sync_dir(path);
        self.collect_tickets();
        ticket
    }
}

/// A disk that never fails: a map from paths to bytes. Tickets are handed out and counted, nothing answers them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    files: BTreeMap<String, Vec<u8>>,
    directories: BTreeSet<String>,
    next_ticket: u64,
    asked: BTreeSet<Ticket>,
}

impl MemoryDisk {
    /// All files with their bytes.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Puts a file there, with its directory.
    pub fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        let directory = parent(path).to_owned();
        self.create_dir(&directory).expect("a memory disk makes any directory");
        self.files.insert(path.to_owned(), bytes.into());
    }

    fn ask(&mut self) -> Ticket {
        self.next_ticket += 1;
        self.asked.insert(Ticket(self.next_ticket));
        Ticket(self.next_ticket)
    }

    fn file(&mut self, path: &str) -> Result<&mut Vec<u8>, DiskError> {
        self.files.get_mut(path).ok_or(DiskError::NotFound)
    }
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((directory, _)) => directory,
    }
}

impl Disk for MemoryDisk {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        let mut path = path;
        while path != "/" {
            self.directories.insert(path.to_owned());
            path = parent(path);
        }
        Ok(())
    }
    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        if path != "/" && !self.directories.contains(path) {
            return Err(DiskError::NotFound);
        }
        let inside = |name: &&String| name.as_str() != path && parent(name) == path;
        let names = self.files.keys().chain(&self.directories).filter(inside);
        let mut names: Vec<String> =
            names.filter_map(|name| name.rsplit_once('/')).map(|(_, name)| name.into()).collect();
        names.sort();
        Ok(names)
    }
    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        Ok(self.file(path)?.len() as u64)
    }
    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        if parent(path) != "/" && !self.directories.contains(parent(path)) {
            return Err(DiskError::NotFound);
        }
        self.files.entry(path.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }
    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let file = self.file(path)?;
        let start = usize::try_from(offset).map_err(|_| DiskError::Io)?;
        if start > file.len() {
            return Err(DiskError::Io);
        }
        let end = start + bytes.len();
        if end > file.len() {
            file.resize(end, 0);
        }
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }
    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        let file = self.file(path)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        let end = start.saturating_add(length).min(file.len());
        Ok(Bytes::copy_from_slice(&file[start..end]))
    }
    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        let file = self.file(path)?;
        file.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let bytes = self.files.remove(from).ok_or(DiskError::NotFound)?;
        self.files.insert(to.to_owned(), bytes);
        Ok(())
    }
    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        self.files.remove(path).map(drop).ok_or(DiskError::NotFound)
    }
    fn sync(&mut self, _path: &str) -> Ticket {
        self.ask()
    }
    fn sync_dir(&mut self, _path: &str) -> Ticket {
        self.ask()
    }
}
