//! What a session client makes of the frames that arrive: the welcome, answers in the order of the requests, and events
//! between them.

use bytes::Bytes;
use machine::{Context, Duration};

use super::link::{Asked, Asker, Link, Live};
use super::{ClientError, SessionClient, SessionEvent};
use crate::client::operation;
use crate::note::ClientNote;
use crate::wire::client::{ConnectResponse, ReplyHeader, Response, WatcherEvent, code, xid};

impl SessionClient {
    /// The next piece of the stream.
    pub(super) fn read(
        &mut self,
        bytes: &Bytes,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        if let Some(frames) = self.link.frames() {
            frames.push(bytes);
        }
        while let Some(frames) = self.link.frames() {
            let read = match frames.take() {
                Ok(None) => return,
                Ok(Some(body)) if self.is_connected() => self.reply(body, cx, events),
                Ok(Some(body)) => self.welcome(body, cx, events),
                Err(_) => Err("a reply is longer than jute.maxbuffer"),
            };
            if let Err(why) = read {
                self.fail(why, cx, events);
                return;
            }
        }
    }

    /// The first frame of a server: a session, or the news that it is gone.
    fn welcome(
        &mut self,
        body: Bytes,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) -> Result<(), &'static str> {
        let response =
            ConnectResponse::decode(body).map_err(|_| "the connect response does not parse")?;
        let Ok(timeout_ms @ 1..) = u64::try_from(response.timeout_ms) else {
            self.expire(cx, events);
            return Ok(());
        };
        let Link::Greeting(greeting) = std::mem::replace(&mut self.link, Link::Down) else {
            return Ok(());
        };
        let fresh = response.session != self.session;
        self.session = response.session;
        self.password = response.password;
        self.timeout = Duration::from_millis(timeout_ms);
        self.confirmed = Some(greeting.since);
        self.rotation.as_mut().expect("made when the session was started").connected();
        let (session, to) = (self.session, greeting.to.clone());
        cx.note(ClientNote::Connected { session, timeout_ms, fresh, to });
        events.push(SessionEvent::Connected { session, fresh, timeout_ms });
        let mut live = Live::new(greeting, cx.now());
        for request in self.watches.set_again(self.last_zxid) {
            live.send(Asked::new(Asker::Rearm, request, cx.now()), xid::SET_WATCHES, cx);
        }
        self.link = Link::Live(Box::new(live));
        self.send_queued(cx);
        Ok(())
    }

    /// Any later frame of a server.
    fn reply(
        &mut self,
        body: Bytes,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) -> Result<(), &'static str> {
        let Link::Live(live) = &mut self.link else { return Ok(()) };
        live.heard = cx.now();
        let (header, rest) =
            ReplyHeader::split(body).map_err(|_| "a reply header does not parse")?;
        match header.xid {
            xid::PING => {
                let sent = live.pings.pop_front().ok_or("a ping that was not sent is answered")?;
                self.confirmed = self.confirmed.max(Some(sent));
            }
            xid::AUTH => {}
            xid::NOTIFICATION => {
                let WatcherEvent { kind, path, .. } =
                    WatcherEvent::decode(rest).map_err(|_| "an event does not parse")?;
                cx.note(ClientNote::Watched { kind, path: path.clone() });
                if self.watches.fired(kind, &path) {
                    let path = self.connect.below(&path);
                    events.push(SessionEvent::Watched { kind, path });
                }
            }
            answered => {
                let oldest = live.unanswered.front().ok_or("an answer to no request")?;
                if oldest.xid != answered {
                    return Err("an answer out of order");
                }
                let result = result(oldest.request.opcode(), header, rest)?;
                if let Some(asked) = live.unanswered.pop_front() {
                    self.confirmed = self.confirmed.max(Some(asked.sent));
                    self.answered(asked, header, result, cx, events);
                }
            }
        }
        Ok(())
    }

    /// The oldest request has its answer.
    fn answered(
        &mut self,
        asked: Asked,
        header: ReplyHeader,
        result: Result<Response, ClientError>,
        cx: &mut Context<'_, ClientNote>,
        events: &mut Vec<SessionEvent>,
    ) {
        if header.zxid.0.cast_signed() > 0 {
            self.last_zxid = header.zxid;
        }
        self.watches.answered(&asked.request, header.err);
        match asked.asker {
            Asker::Owner { .. } => self.end(asked, header.zxid, result, cx, events),
            Asker::Rearm => {}
            Asker::Close => {
                self.hang_up(cx);
                let unanswered = self.link.take_unanswered();
                self.link = Link::Down;
                self.forget_session();
                self.lose_all(unanswered, ClientError::SessionExpired, cx, events);
                events.push(SessionEvent::Closed);
            }
        }
    }
}

/// What a reply says to a request with this opcode.
fn result(
    opcode: i32,
    header: ReplyHeader,
    rest: Bytes,
) -> Result<Result<Response, ClientError>, &'static str> {
    if header.err != code::OK {
        return Ok(Err(ClientError::Refused(header.err)));
    }
    let response = Response::decode(opcode, rest).map_err(|_| "a reply does not parse")?;
    Ok(match operation::multi_error(&response) {
        Some(code) => Err(ClientError::Refused(code)),
        None => Ok(response),
    })
}
