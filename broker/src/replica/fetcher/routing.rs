//! Which fetcher an input is for, and lending it what it writes to.

use machine::{Input, Ticket};

use super::{Copies, Fetcher};
use crate::id::BrokerId;
use crate::replica::Replicas;
use crate::replica::partition::Slot;
use crate::replica::turn::Turn;

impl Replicas {
    /// An input of a fetcher's connection.
    pub(in crate::replica) fn feed_fetcher(
        &mut self,
        leader: BrokerId,
        input: &Input,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        self.with_fetcher(leader, turn, |fetcher, copies, turn| {
            fetcher.handle(input, copies, turn.cx);
        });
    }

    /// A partition is copied from a leader, which is at this address.
    pub(in crate::replica) fn join(
        &mut self,
        leader: BrokerId,
        address: &str,
        slot: Slot,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        self.with_fetcher(leader, turn, |fetcher, copies, turn| {
            fetcher.call(address, turn.cx);
            if let Some(partition) = copies.held.get(slot) {
                fetcher.add(slot, partition);
            }
            fetcher.advance(copies, turn.cx);
        });
    }

    /// Time has passed.
    pub(in crate::replica) fn wake_fetchers(&mut self, turn: &mut Turn<'_, '_, '_>) {
        let now = turn.cx.now();
        let due = |fetcher: &Fetcher| fetcher.wake_at().is_some_and(|at| at <= now);
        while let Some((leader, _)) = self.fetchers.iter().find(|(_, fetcher)| due(fetcher)) {
            let leader = *leader;
            self.with_fetcher(leader, turn, |fetcher, copies, turn| fetcher.woke(copies, turn.cx));
        }
    }

    /// The disk is ready.
    pub(in crate::replica) fn resume_fetchers(
        &mut self,
        ticket: Ticket,
        turn: &mut Turn<'_, '_, '_>,
    ) {
        let waits = |fetcher: &Fetcher| fetcher.waits_for(ticket);
        while let Some((leader, _)) = self.fetchers.iter().find(|(_, fetcher)| waits(fetcher)) {
            let leader = *leader;
            self.with_fetcher(leader, turn, |fetcher, copies, turn| {
                fetcher.unblock();
                fetcher.advance(copies, turn.cx);
            });
        }
    }

    /// Fetchers with nothing to copy end.
    pub(in crate::replica) fn drop_idle_fetchers(&mut self, turn: &mut Turn<'_, '_, '_>) {
        let streams = &mut self.streams;
        self.fetchers.retain(|_, fetcher| {
            if fetcher.is_idle() {
                if let Some(conn) = fetcher.conn() {
                    streams.remove(&conn);
                }
                fetcher.stop(turn.cx);
            }
            !fetcher.is_idle()
        });
    }

    fn with_fetcher(
        &mut self,
        leader: BrokerId,
        turn: &mut Turn<'_, '_, '_>,
        act: impl FnOnce(&mut Fetcher, &mut Copies<'_>, &mut Turn<'_, '_, '_>),
    ) {
        let Self { fetchers, held, logs, config, streams, .. } = self;
        let Some(fetcher) = fetchers.get_mut(&leader) else { return };
        let mut copies = Copies { held, logs, config, failed: None };
        let before = fetcher.conn();
        act(fetcher, &mut copies, turn);
        let after = fetcher.conn();
        if before != after {
            before.map(|conn| streams.remove(&conn));
            after.map(|conn| streams.insert(conn, leader));
        }
        if let Some(failure) = copies.failed {
            self.log_dir_failed(failure, turn.events);
        }
    }
}
