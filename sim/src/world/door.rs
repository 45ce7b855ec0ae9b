//! What a machine holds while it handles an input: its host and its disk in this world. Everything
//! that goes through here is an output of the step and counts in the fingerprint.

use std::sync::Arc;

use bytes::Bytes;
use machine::{
    Chance, ChanceKey, Conn, Disk, DiskError, Host, Instant, ListenError, Ticket, WallTime,
};

use super::core::Core;
use super::process::Node;
use super::step::Output;

/// The door of one node, for one input.
pub(crate) struct Door<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) node: u32,
}

impl Door<'_> {
    fn here(&self) -> &Node {
        &self.core.nodes[self.node as usize]
    }

    fn here_mut(&mut self) -> &mut Node {
        &mut self.core.nodes[self.node as usize]
    }

    /// Counts an output, and lists it if somebody wants to read it.
    #[inline]
    fn put(&mut self, tag: u8, output: impl FnOnce() -> Output) {
        self.core.fingerprint.tag(tag);
        if self.core.lists {
            self.core.outputs.push(output());
        } else {
            self.core.outputs.clear();
        }
    }
}

impl Host for Door<'_> {
    fn now(&self) -> Instant {
        self.here().clock.now(self.core.now)
    }

    fn wall(&self) -> WallTime {
        self.here().clock.wall(self.core.now)
    }

    fn chance(&mut self, key: ChanceKey) -> &mut Chance {
        let seed = self.core.seed;
        let Node { chances, name, life, .. } = &mut self.core.nodes[self.node as usize];
        chances.entry(key).or_insert_with(|| Chance::stream(seed, name, *life, key))
    }

    fn disk(&mut self) -> &mut dyn Disk {
        self
    }

    fn listen(&mut self, listener: &'static str, address: &str) -> Result<(), ListenError> {
        let host = self.here().host;
        self.core.net.listen(host, self.node, listener, address)?;
        self.put(33, || Output::Listening { listener, address: address.into() });
        self.core.fingerprint.text(listener);
        self.core.fingerprint.text(address);
        Ok(())
    }

    fn unlisten(&mut self, listener: &'static str) {
        let host = self.here().host;
        self.core.net.unlisten(host, self.node, Some(listener));
        self.put(34, || Output::Unlistened { listener });
        self.core.fingerprint.text(listener);
    }

    fn dial(&mut self, address: &str) -> Conn {
        let conn = self.core.dial(self.node, address);
        self.put(32, || Output::Dialled { conn, address: address.into() });
        self.core.fingerprint.number(conn.0);
        self.core.fingerprint.text(address);
        conn
    }

    #[inline]
    fn send(&mut self, conn: Conn, bytes: Bytes) {
        let Some(id) = self.here().end(conn.0) else { return };
        if bytes.is_empty() {
            return;
        }
        self.put(31, || Output::Sent { conn, bytes: bytes.clone() });
        self.core.fingerprint.number(conn.0);
        self.core.fingerprint.bytes(&bytes);
        self.core.send(id, bytes);
    }

    fn queued(&self, conn: Conn) -> usize {
        self.here().end(conn.0).map_or(0, |id| self.core.streams.ends[id as usize].queued)
    }

    fn close(&mut self, conn: Conn) {
        let Some(id) = self.here_mut().take_end(conn.0) else { return };
        self.put(35, || Output::Closed { conn });
        self.core.fingerprint.number(conn.0);
        self.core.close(id);
    }

    fn abort(&mut self, conn: Conn) {
        let Some(id) = self.here_mut().take_end(conn.0) else { return };
        self.put(36, || Output::Aborted { conn });
        self.core.fingerprint.number(conn.0);
        let cause = self.core.step;
        self.core.abort(id, cause);
    }

    fn exit(&mut self, code: i32, why: &str) {
        if self.here().exit.is_some() {
            return;
        }
        let why: Arc<str> = why.into();
        self.here_mut().exit = Some((code, Arc::clone(&why)));
        self.core.fingerprint.text(&why);
        self.core.fingerprint.number(code as u64);
        self.core.fingerprint.tag(37);
        self.core.outputs.push(Output::Exited { code, why });
    }
}

impl Door<'_> {
    /// Looking at a file needs the disk only where its content is not in the page cache.
    fn awake_for(&mut self, path: &str) -> Result<(), DiskError> {
        let drive = &mut self.here_mut().drive;
        if drive.stalled && drive.is_cached(path) {
            return Ok(());
        }
        self.awake()?;
        self.here_mut().drive.warm(path);
        Ok(())
    }

    /// A stalled disk answers nothing but a ticket.
    fn awake(&mut self) -> Result<(), DiskError> {
        let now = self.core.now;
        let drive = &mut self.here_mut().drive;
        drive.write_back(now);
        if !drive.stalled {
            return Ok(());
        }
        let cause = self.core.step;
        let here = self.here_mut();
        let ticket = here.ticket();
        here.drive.blocked.push((ticket, cause));
        Err(DiskError::WouldBlock(ticket))
    }

    /// Records a call that did not happen. (Inline, as copying what did happen would cost more than all else here.)
    #[inline(always)]
    fn tell<T>(&mut self, path: &str, result: Result<T, DiskError>) -> Result<T, DiskError> {
        if let Err(error) = &result
            && *error != DiskError::NotFound
        {
            self.failed(path, *error);
        }
        result
    }

    #[cold]
    fn failed(&mut self, path: &str, error: DiskError) {
        self.put(40, || Output::DiskFailed { path: path.into(), error });
        self.core.fingerprint.text(path);
        self.core.fingerprint.disk_error(error);
    }

    fn wrote(
        &mut self,
        tag: u8,
        path: &str,
        offset: u64,
        bytes: &[u8],
        output: impl FnOnce(Arc<str>) -> Output,
    ) {
        self.put(tag, || output(path.into()));
        self.core.fingerprint.text(path);
        self.core.fingerprint.number(offset);
        self.core.fingerprint.bytes(bytes);
    }
}

impl Disk for Door<'_> {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.create_dir(path));
        self.tell(path, done)?;
        self.put(41, || Output::MadeDirectory { path: path.into() });
        self.core.fingerprint.text(path);
        Ok(())
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        let done = self.awake().and_then(|()| self.here().drive.list(path));
        self.tell(path, done)
    }

    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        let done = self.awake_for(path).and_then(|()| self.here().drive.len(path));
        self.tell(path, done)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.append(path, bytes));
        let offset = self.tell(path, done)?;
        let len = bytes.len() as u64;
        self.wrote(42, path, offset, bytes, |path| Output::Appended { path, offset, len });
        Ok(())
    }

    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.write(path, offset, bytes));
        self.tell(path, done)?;
        let len = bytes.len() as u64;
        self.wrote(43, path, offset, bytes, |path| Output::DiskWrote { path, offset, len });
        Ok(())
    }

    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        let done = self.awake_for(path);
        let done = done.and_then(|()| self.here().drive.read(path, offset, length));
        self.tell(path, done)
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.truncate(path, length));
        let len = self.tell(path, done)?;
        self.wrote(44, path, len, &[], |path| Output::Truncated { path, len });
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.rename(from, to));
        self.tell(from, done)?;
        self.put(45, || Output::Renamed { from: from.into(), to: to.into() });
        self.core.fingerprint.text(from);
        self.core.fingerprint.text(to);
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        let done = self.awake().and_then(|()| self.here_mut().drive.remove(path));
        self.tell(path, done)?;
        self.put(46, || Output::Removed { path: path.into() });
        self.core.fingerprint.text(path);
        Ok(())
    }

    fn sync(&mut self, path: &str) -> Ticket {
        self.ask(path, false)
    }

    fn sync_dir(&mut self, path: &str) -> Ticket {
        self.ask(path, true)
    }
}

impl Door<'_> {
    fn ask(&mut self, path: &str, directory: bool) -> Ticket {
        let ticket = self.core.ask_sync(self.node, path, directory);
        self.put(47, || Output::SyncAsked { ticket, path: path.into() });
        self.core.fingerprint.number(ticket.0);
        self.core.fingerprint.text(path);
        ticket
    }
}
