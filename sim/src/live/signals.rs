//! How the operating system asks a process to end.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Waits until the process is asked to end (SIGTERM or SIGINT).
///
/// # Errors
/// The operating system does not let us listen for signals.
pub fn until_signal() -> io::Result<()> {
    let (sender, asked) = std::sync::mpsc::channel();
    let _watch = Watch::start(move || {
        // It is waited for below.
        let _ = sender.send(());
    })?;
    asked.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
}

/// A thread that waits for the first signal while this value lives.
pub(super) struct Watch {
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Calls `asked` when the process is asked to end; no signal is missed once this returns.
    pub(super) fn start(asked: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _within = runtime.enter();
            Signals::listen()?
        };
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = signals.next() => asked(),
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            // If it panicked there is nothing left to end.
            let _ = thread.join();
        }
    }
}

/// Listens from the moment it is made.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Must be called within a runtime.
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// Must be called within a runtime.
    fn listen() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
