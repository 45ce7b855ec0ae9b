//! Ctrl-C while runs are played: the first asks to stop and to tell what is known, the second ends the process at once.

use std::io;
use std::thread;

use crate::Exit;

/// Calls `asked` at the first Ctrl-C; none is missed once this returns.
///
/// # Errors
/// The operating system does not let us listen.
pub fn listen(asked: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _within = runtime.enter();
        signals()?
    };
    thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
        runtime.block_on(async {
            signals.recv().await;
            asked();
            signals.recv().await;
            std::process::exit(Exit::Interrupted as i32);
        });
    })?;
    Ok(())
}

#[cfg(unix)]
fn signals() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn signals() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
