//! The machine around a job: session, pace, one operation at a time, and what to do when things are lost.

use std::sync::Arc;

use machine::{Context, Duration, Input, Instant, Machine};
use serde::Serialize;

use super::{Job, Next, WorkloadConfig};
use crate::client::{ClientError, ConnectStringError, SessionClient, SessionEvent};
use crate::id::{SessionId, Zxid};
use crate::note::ClientNote;
use crate::wire::client::Response;

/// How long a client waits before it asks again, after an answer was lost or somebody said no.
const RETRY: Duration = Duration::from_millis(200);

/// A client with something to do. One whose configuration is none ends as soon as it begins, with exit code 1.
pub struct Client(Result<Work, ConnectStringError>);

/// A client whose configuration is good.
struct Work {
    session: SessionClient,
    job: Box<dyn Job>,
    interval: Duration,
    start_after: Duration,
    stage: Stage,
    /// When the last request was made.
    asked_at: Instant,
    next_tag: u64,
}

/// Where it stands between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not begun yet.
    Before(Option<Instant>),
    /// The next request is due then.
    Due(Instant),
    /// A request with this tag is under way.
    Asked(u64),
    /// Waits for an event.
    Idle,
    /// Is about to leave.
    Leaving,
}

/// What can be seen of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its session, 0 for none.
    pub session: SessionId,
    /// Whether the session is on a live connection.
    pub connected: bool,
    /// The last transaction it saw the effects of.
    pub last_zxid: Zxid,
    /// Whether an operation is under way.
    pub waiting: bool,
    /// The lock it believes to hold.
    pub holds: Option<Arc<str>>,
}

impl Client {
    /// A client for this work; see [`WorkloadConfig::check`].
    pub fn new(config: WorkloadConfig) -> Self {
        Self(Work::new(&config))
    }
}

impl Work {
    fn new(config: &WorkloadConfig) -> Result<Self, ConnectStringError> {
        let (connect, path) = config.resolve()?;
        Ok(Self {
            session: SessionClient::new(connect, config.session_timeout),
            job: config.kind.job(path),
            interval: config.kind.interval().unwrap_or(RETRY),
            start_after: config.start_after,
            stage: Stage::Before(None),
            asked_at: Instant::ZERO,
            next_tag: 1,
        })
    }

    fn begin_when_due(&mut self, cx: &mut Context<'_, ClientNote>) {
        if let Stage::Before(Some(at)) = self.stage
            && at <= cx.now()
        {
            self.stage = Stage::Due(cx.now());
            self.session.start(cx);
        }
    }

    fn take(&mut self, event: SessionEvent, cx: &mut Context<'_, ClientNote>) {
        match event {
            SessionEvent::Connected { .. } => {
                let asks = self.job.connected();
                self.wake_if(asks, cx);
            }
            SessionEvent::Disconnected => {}
            SessionEvent::Expired => {
                self.job.expired();
                self.job.believe(&self.session, cx);
                self.stage = Stage::Due(cx.now());
                self.session.start(cx);
            }
            SessionEvent::Watched { kind, path } => {
                let asks = self.job.watched(kind, &path);
                self.wake_if(asks, cx);
            }
            SessionEvent::Reply { tag, result, .. } if self.stage == Stage::Asked(tag) => {
                self.stage = self.after(result, cx.now());
            }
            // Asked in a session that has expired since.
            SessionEvent::Reply { .. } => {}
            SessionEvent::Closed => cx.exit(0, "asked to stop"),
        }
    }

    /// Something happened that a waiting job wants to ask about. One that has asked will see it in the answer.
    fn wake_if(&mut self, asks: bool, cx: &mut Context<'_, ClientNote>) {
        if asks && self.stage == Stage::Idle {
            self.stage = Stage::Due(cx.now());
        }
    }

    fn after(&mut self, result: Result<Response, ClientError>, now: Instant) -> Stage {
        let answer = match result {
            Ok(response) => Ok(response),
            Err(ClientError::Refused(code)) => Err(code),
            Err(ClientError::ConnectionLoss | ClientError::SessionExpired) => {
                self.job.lost();
                return Stage::Due(now + RETRY);
            }
        };
        let refused = answer.is_err();
        match self.job.answered(answer, self.session.session()) {
            Next::AtOnce => Stage::Due(now),
            Next::Interval if refused => {
                Stage::Due(now.max(self.asked_at + self.interval.max(RETRY)))
            }
            Next::Interval => Stage::Due(now.max(self.asked_at + self.interval)),
            Next::Event => Stage::Idle,
        }
    }

    fn ask_when_due(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Stage::Due(at) = self.stage else { return };
        if at > cx.now() {
            return;
        }
        let tag = self.next_tag;
        self.next_tag += 1;
        self.asked_at = cx.now();
        self.stage = Stage::Asked(tag);
        self.session.request(tag, self.job.ask(), cx);
    }

    fn handle(&mut self, input: Input, cx: &mut Context<'_, ClientNote>) {
        match input {
            Input::Booted => {
                self.job.named(cx.chance("name").below(1 << 32) as u32);
                self.stage = Stage::Before(Some(cx.now() + self.start_after));
            }
            Input::Stop => {
                self.stage = Stage::Leaving;
                self.session.close(cx);
            }
            _ => {}
        }
        self.begin_when_due(cx);
        let mut events = Vec::new();
        self.session.handle(&input, cx, &mut events);
        for event in events {
            self.take(event, cx);
        }
        self.job.believe(&self.session, cx);
        self.ask_when_due(cx);
    }

    fn wake_at(&self) -> Option<Instant> {
        let due = match self.stage {
            Stage::Before(at) => at,
            Stage::Due(at) => Some(at),
            Stage::Asked(_) | Stage::Idle | Stage::Leaving => None,
        };
        let believes_until = self.job.believes_until(&self.session);
        [due, self.session.wake_at(), believes_until].into_iter().flatten().min()
    }

    fn view(&self) -> View {
        View {
            session: self.session.session(),
            connected: self.session.is_connected(),
            last_zxid: self.session.last_zxid(),
            waiting: matches!(self.stage, Stage::Asked(_)),
            holds: self.job.holds(),
        }
    }
}

impl Machine for Client {
    type Note = ClientNote;
    type View = View;

    fn handle(&mut self, input: Input, cx: &mut Context<'_, ClientNote>) {
        match &mut self.0 {
            Ok(work) => work.handle(input, cx),
            Err(error) => cx.exit(1, &error.to_string()),
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        self.0.as_ref().ok().and_then(Work::wake_at)
    }

    fn view(&self) -> View {
        self.0.as_ref().map(Work::view).unwrap_or_default()
    }
}
