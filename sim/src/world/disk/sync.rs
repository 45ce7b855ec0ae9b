//! When syncs end, and what they make durable; stalls hold them and the calls that would have
//! blocked.

use std::sync::Arc;

use machine::{DiskError, Input, Ticket};

use super::names::NameOp;
use super::{Drive, FileId};
use crate::world::core::{Core, Due};
use crate::world::queue::{Cause, Event};

/// What is to be made durable.
#[derive(Clone, Debug)]
enum Target {
    File(FileId),
    Directory(Arc<str>),
    Missing,
}

/// A sync under way. It goes on when the process that asked dies.
pub(super) struct Request {
    ticket: Ticket,
    life: u64,
    cause: Cause,
    target: Target,
    covers: u64,
    /// A stall has it.
    held: bool,
}

impl Drive {
    fn sync_time(&mut self) -> u64 {
        self.latency.between(self.low, self.high)
    }

    /// Makes durable what the request covers.
    fn carry_out(&mut self, request: &Request) -> Result<(), DiskError> {
        if self.fail_syncs {
            return Err(DiskError::Io);
        }
        if self.lying {
            return Ok(());
        }
        let strict = self.lose_renames;
        let unnamed = match &request.target {
            Target::Missing => return Err(DiskError::NotFound),
            Target::File(id) => {
                if let Some(file) = self.files.get_mut(id) {
                    file.commit(request.covers);
                }
                self.names.commit(request.covers, |op| match op {
                    NameOp::Create { file, .. } => !strict || file == id,
                    NameOp::MakeDir { .. } => true,
                    NameOp::Rename { .. } | NameOp::Remove { .. } => !strict,
                })
            }
            Target::Directory(dir) => {
                self.names.commit(request.covers, |op| !strict || op.is_in(dir))
            }
        };
        self.forget(unnamed);
        Ok(())
    }
}

impl Core {
    /// A machine asks for a file, or a directory, to be made durable.
    pub(crate) fn ask_sync(&mut self, node: u32, path: &str, directory: bool) -> Ticket {
        let there = &mut self.nodes[node as usize];
        let (ticket, life) = (there.ticket(), there.life);
        let drive = &mut there.drive;
        let target = if directory {
            let known = drive.names.has_dir(path);
            if known { Target::Directory(path.into()) } else { Target::Missing }
        } else {
            drive.names.find(path).map_or(Target::Missing, Target::File)
        };
        let (covers, held) = (drive.number, drive.stalled);
        drive.next_request += 1;
        let request = drive.next_request;
        let asked = Request { ticket, life, cause: self.step, target, covers, held };
        drive.requests.insert(request, asked);
        if !held {
            let at = self.now + drive.sync_time();
            self.queue.push(at, Event::SyncDone { node, request });
        }
        ticket
    }

    /// A sync ends, unless the disk is stalled.
    pub(crate) fn sync_done(&mut self, node: u32, request: u32) -> Option<Due> {
        let there = &mut self.nodes[node as usize];
        let asked = there.drive.requests.get_mut(&request)?;
        if there.drive.stalled {
            asked.held = true;
            return None;
        }
        let asked = there.drive.requests.remove(&request)?;
        let result = there.drive.carry_out(&asked);
        if asked.life != there.life {
            return None;
        }
        self.offer(node, Input::Synced { ticket: asked.ticket, result }, asked.cause)
    }

    /// A stall ends: blocked calls may be done again, held syncs go on.
    pub(crate) fn resume_disk(&mut self, node: u32) {
        let drive = &mut self.nodes[node as usize].drive;
        let held: Vec<u32> = drive
            .requests
            .iter_mut()
            .filter_map(|(id, request)| std::mem::take(&mut request.held).then_some(*id))
            .collect();
        for request in held {
            let at = self.now + drive.sync_time();
            self.queue.push(at, Event::SyncDone { node, request });
        }
        let blocked = std::mem::take(&mut drive.blocked);
        for (ticket, cause) in blocked {
            self.enqueue(node, Input::Ready { ticket }, cause);
        }
    }
}
