//! The page cache of a live node: ordinary file calls below one folder, and syncs off the event
//! loop.
//!
//! Paths are mapped below the folder; a path with `..` is refused. Calls act at once: the operating
//! system's own page cache does the waiting, so [`DiskError::WouldBlock`] is never answered here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use machine::{Disk, DiskError, Ticket};
use tokio::sync::mpsc::Sender;
use tokio::task::{spawn_blocking, spawn_local};

use super::node::Event;

/// One node's files.
pub(super) struct Files {
    root: PathBuf,
    inbox: Sender<Event>,
    last_ticket: u64,
}

impl Files {
    /// The files below `root`; syncs are answered to `inbox`.
    pub(super) fn new(root: PathBuf, inbox: Sender<Event>) -> Self {
        Self { root, inbox, last_ticket: 0 }
    }

    fn below(&self, path: &str) -> Result<PathBuf, DiskError> {
        let mut full = self.root.clone();
        for component in Path::new(path).components() {
            match component {
                Component::Normal(name) => full.push(name),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => return Err(DiskError::Io),
            }
        }
        Ok(full)
    }

    /// Opens now, so that a later rename or removal does not matter; syncs on another thread.
    fn sync_soon(&mut self, path: &str, is_right_kind: fn(&fs::Metadata) -> bool) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let opened = self.below(path).and_then(|full| {
            let file = File::open(full).map_err(refused)?;
            let right = file.metadata().map_err(refused).map(|about| is_right_kind(&about))?;
            if right { Ok(file) } else { Err(DiskError::NotFound) }
        });
        let inbox = self.inbox.clone();
        spawn_local(async move {
            let result = match opened {
                Ok(file) => spawn_blocking(move || file.sync_all().map_err(refused))
                    .await
                    .unwrap_or(Err(DiskError::Io)),
                Err(error) => Err(error),
            };
            // Nobody reads the inbox of a life that has ended.
            let _ = inbox.send(Event::Synced { ticket, result }).await;
        });
        ticket
    }

    fn existing(&self, path: &str) -> Result<File, DiskError> {
        let file = OpenOptions::new().read(true).write(true).open(self.below(path)?);
        file.map_err(refused)
    }
}

impl Disk for Files {
    fn create_dir(&mut self, path: &str) -> Result<(), DiskError> {
        fs::create_dir_all(self.below(path)?).map_err(refused)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, DiskError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.below(path)?).map_err(refused)? {
            let name = entry.map_err(refused)?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn len(&mut self, path: &str) -> Result<u64, DiskError> {
        let about = fs::metadata(self.below(path)?).map_err(refused)?;
        if about.is_file() { Ok(about.len()) } else { Err(DiskError::NotFound) }
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> Result<(), DiskError> {
        let file = OpenOptions::new().append(true).create(true).open(self.below(path)?);
        file.map_err(refused)?.write_all(bytes).map_err(refused)
    }

    fn write(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let mut file = self.existing(path)?;
        if offset > file.metadata().map_err(refused)?.len() {
            return Err(DiskError::Io);
        }
        file.seek(SeekFrom::Start(offset)).map_err(refused)?;
        file.write_all(bytes).map_err(refused)
    }

    fn read(&mut self, path: &str, offset: u64, length: usize) -> Result<Bytes, DiskError> {
        let mut file = File::open(self.below(path)?).map_err(refused)?;
        file.seek(SeekFrom::Start(offset)).map_err(refused)?;
        let mut bytes = Vec::new();
        file.take(length as u64).read_to_end(&mut bytes).map_err(refused)?;
        Ok(bytes.into())
    }

    fn truncate(&mut self, path: &str, length: u64) -> Result<(), DiskError> {
        let file = self.existing(path)?;
        if length < file.metadata().map_err(refused)?.len() {
            file.set_len(length).map_err(refused)?;
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        fs::rename(self.below(from)?, self.below(to)?).map_err(refused)
    }

    fn remove(&mut self, path: &str) -> Result<(), DiskError> {
        fs::remove_file(self.below(path)?).map_err(refused)
    }

    fn sync(&mut self, path: &str) -> Ticket {
        self.sync_soon(path, fs::Metadata::is_file)
    }

    fn sync_dir(&mut self, path: &str) -> Ticket {
        self.sync_soon(path, fs::Metadata::is_dir)
    }
}

fn refused(error: io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => DiskError::NotFound,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => DiskError::NoSpace,
        _ => DiskError::Io,
    }
}
