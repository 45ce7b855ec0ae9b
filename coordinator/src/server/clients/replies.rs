//! What connections are told: answers in the order of their requests, and events before them.

use bytes::Bytes;
use machine::{Conn, Context};

use super::{Clients, Waiting, WaitsFor};
use crate::id::{SessionId, Zxid};
use crate::note::ServerNote;
use crate::server::answers;
use crate::tree::watch::SetWatches;
use crate::tree::{Applied, DataTree};
use crate::txn::Record;
use crate::wire::client::{ReplyHeader, Request, Response, WatcherEvent, code, opcode};

impl Clients {
    /// Answers reads from the front of the queue, up to the first request that waits for the leader.
    pub(super) fn drain(&mut self, conn: Conn, tree: &DataTree, cx: &mut Context<'_, ServerNote>) {
        while let Some(client) = self.conns.get_mut(&conn)
            && let Some(front) = client.waiting.front()
            && matches!(front.what, WaitsFor::Turn(_))
        {
            let front = client.waiting.pop_front().expect("there is a front");
            if let WaitsFor::Turn(request) = front.what {
                self.read(conn, front.xid, &request, tree, cx);
            }
        }
    }

    pub(super) fn read(
        &mut self,
        conn: Conn,
        xid: i32,
        request: &Request,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
    ) {
        if let Request::SetWatches { relative_zxid, data, exist, child } = request
            && !self.limits.forgets_watches
        {
            let asked = SetWatches {
                seen: *relative_zxid,
                data: data.clone(),
                exists: exist.clone(),
                children: child.clone(),
            };
            for fired in self.watches.set_watches(conn, tree, &asked) {
                let state = WatcherEvent::SYNC_CONNECTED;
                let event = WatcherEvent { kind: fired.kind as i32, state, path: fired.path };
                cx.send(conn, event.frame());
            }
        }
        let result = answers::read(request, self.overtaken.as_ref().unwrap_or(tree));
        answers::leave_watch(request, result.is_ok(), conn, &mut self.watches);
        let zxid = tree.last_zxid();
        cx.send(conn, frame(xid, zxid, result));
    }

    /// The author of an applied write is answered.
    pub fn answer(
        &mut self,
        record: &Record,
        applied: &Applied,
        tree: &DataTree,
        cx: &mut Context<'_, ServerNote>,
    ) {
        let Some(&conn) = self.by_session.get(&record.header.session) else { return };
        let Some(client) = self.conns.get_mut(&conn) else { return };
        let is_it =
            |one: &Waiting| matches!(one.what, WaitsFor::Delivery) && one.xid == record.header.cxid;
        // The answer to anything but the oldest request waits its turn by construction: commits come in the order of
        // the session's own writes.
        if !client.waiting.front().is_some_and(is_it) {
            return;
        }
        if applied.outcome == Err(code::SESSION_MOVED) {
            // An error of the connection, not of the request: its client has gone elsewhere (ZOOKEEPER-710).
            cx.note(ServerNote::RefusedClient("its session has moved to another server"));
            self.drop_conn(conn, cx);
            return;
        }
        let asked = client.waiting.pop_front().expect("there is a front");
        let result = answers::written(asked.opcode, &applied.outcome);
        cx.send(conn, frame(asked.xid, record.header.zxid, result));
        self.drain(conn, tree, cx);
    }

    pub(super) fn session_created(&mut self, session: SessionId, cx: &mut Context<'_, ServerNote>) {
        self.revalidated(session, true, cx);
    }

    pub(super) fn session_closed(&mut self, record: &Record, cx: &mut Context<'_, ServerNote>) {
        let Some(&conn) = self.by_session.get(&record.header.session) else { return };
        if let Some(client) = self.conns.get(&conn)
            && let Some(front) = client.waiting.front()
            && front.opcode == opcode::CLOSE_SESSION
        {
            cx.send(conn, frame(front.xid, record.header.zxid, Ok(Response::Empty)));
        }
        self.drop_conn(conn, cx);
    }
}

fn frame(xid: i32, zxid: Zxid, result: Result<Response, i32>) -> Bytes {
    match result {
        Ok(response) => response.frame(&ReplyHeader { xid, zxid, err: code::OK }),
        Err(err) => ReplyHeader { xid, zxid, err }.frame(),
    }
}
