//! The only door to the outside.

use bytes::Bytes;

use crate::chance::name_key;
use crate::{Chance, ChanceKey, Conn, Disk, Instant, ListenError, WallTime};

/// Who performs a machine's wishes: the simulated world, live sockets and files, or a test.
pub trait Host {
    /// The node's monotonic clock.
    fn now(&self) -> Instant;
    /// The node's calendar.
    fn wall(&self) -> WallTime;
    /// The stream of draws with this key in this life of the node.
    fn chance(&mut self, key: ChanceKey) -> &mut Chance;
    /// The node's files.
    fn disk(&mut self) -> &mut dyn Disk;
    /// Accepts streams on `address` (`host:port`) under the name `listener`.
    fn listen(&mut self, listener: &'static str, address: &str) -> Result<(), ListenError>;
    /// Closes the listener; streams it accepted stay.
    fn unlisten(&mut self, listener: &'static str);
    /// Begins to connect; `Opened` or `Closed` follows, never at once.
    fn dial(&mut self, address: &str) -> Conn;
    /// Queues bytes; a dead handle swallows them.
    fn send(&mut self, conn: Conn, bytes: Bytes);
    /// Bytes sent and not yet taken by the peer.
    fn queued(&self, conn: Conn) -> usize;
    /// Sends what is queued, then ends the stream. The handle is dead at once.
    fn close(&mut self, conn: Conn);
    /// Drops the stream with what is queued (reset). The handle is dead at once.
    fn abort(&mut self, conn: Conn);
    /// Ends the process with an exit code; nothing else happens in this life.
    fn exit(&mut self, code: i32, why: &str);
}

/// What a machine holds while it handles one input. `N` is the kind of notes it may say.
pub struct Context<'a, N> {
    host: &'a mut dyn Host,
    say: &'a mut dyn FnMut(N),
    part: u64,
}

impl<'a, N> Context<'a, N> {
    /// A stream with more than this many bytes queued is full: hold back until [`crate::Input::Drained`].
    pub const FULL: usize = 256 * 1024;

    /// The door for one input: `say` takes the notes.
    pub fn new(host: &'a mut dyn Host, say: &'a mut dyn FnMut(N)) -> Self {
        Self { host, say, part: 0 }
    }

    /// The node's monotonic clock; drifts if the node's clock drifts.
    pub fn now(&self) -> Instant {
        self.host.now()
    }

    /// The node's calendar; may jump.
    pub fn wall(&self) -> WallTime {
        self.host.wall()
    }

    /// The stream of draws for `purpose`: removing a draw elsewhere does not change it.
    pub fn chance(&mut self, purpose: &'static str) -> &mut Chance {
        self.host.chance(ChanceKey { part: self.part, purpose })
    }

    /// The page cache.
    pub fn disk(&mut self) -> &mut dyn Disk {
        self.host.disk()
    }

    /// Accepts streams on `address` (`host:port`, `0.0.0.0:2181` for all) under the name `listener`, until
    /// [`Self::unlisten`] or death.
    ///
    /// # Errors
    /// The port is taken on this host, or the address is not this host's.
    pub fn listen(&mut self, listener: &'static str, address: &str) -> Result<(), ListenError> {
        self.host.listen(listener, address)
    }

    /// Closes a listener; streams it accepted stay open.
    pub fn unlisten(&mut self, listener: &'static str) {
        self.host.unlisten(listener);
    }

    /// Begins to connect to `host:port`, resolved from where this node stands. [`crate::Input::Opened`] or
    /// [`crate::Input::Closed`] follows, never within the same input.
    pub fn dial(&mut self, address: &str) -> Conn {
        self.host.dial(address)
    }

    /// Queues bytes on a stream, in order. A dead handle swallows them.
    pub fn send(&mut self, conn: Conn, bytes: impl Into<Bytes>) {
        self.host.send(conn, bytes.into());
    }

    /// Bytes sent and not yet taken by the peer.
    pub fn queued(&self, conn: Conn) -> usize {
        self.host.queued(conn)
    }

    /// Whether a stream holds more than [`Self::FULL`] bytes: then [`crate::Input::Drained`] will follow.
    pub fn is_full(&self, conn: Conn) -> bool {
        self.queued(conn) > Self::FULL
    }

    /// Sends what is queued, then ends the stream. The handle is dead at once: no input follows on it.
    pub fn close(&mut self, conn: Conn) {
        self.host.close(conn);
    }

    /// Resets the stream. The handle is dead at once: no input follows on it.
    pub fn abort(&mut self, conn: Conn) {
        self.host.abort(conn);
    }

    /// Says a fact.
    pub fn note(&mut self, note: impl Into<N>) {
        (self.say)(note.into());
    }

    /// Ends the process. Finish the current input and return: nothing else happens in this life.
    pub fn exit(&mut self, code: i32, why: &str) {
        self.host.exit(code, why);
    }

    /// Lends a part its own door: its notes become this machine's through `wrap`, its chance is named below `name`.
    pub fn part<P, R>(
        &mut self,
        name: &'static str,
        wrap: impl Fn(P) -> N,
        play: impl FnOnce(&mut Context<'_, P>) -> R,
    ) -> R {
        let part = name_key(self.part, name);
        let say = &mut *self.say;
        let mut wrapped = |note| say(wrap(note));
        play(&mut Context { host: &mut *self.host, say: &mut wrapped, part })
    }
}
