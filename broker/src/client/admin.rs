//! An admin tool: one command, carried out in one or more calls through brokers, with the tool's output and exit code
//! (`kafka-topics`, `kafka-configs`, `kafka-leader-election` on `KafkaAdminClient`).
//!
//! A call goes to the controller or to any broker, is tried again after retriable errors and lost connections, and gives up
//! at its deadline. What the commands ask and answer is in [`command`], the words of their failures in [`texts`].

mod command;
mod texts;

use machine::{Context, Duration, Input, Instant};

use super::metadata::Metadata;
use super::network::{Event, Network, Settings};
use super::{AdminConfig, ClientConfig, View};
use crate::id::BrokerId;
use crate::mechanism::Preset;
use crate::note::{AdminDid, ClientNote};
use crate::wire::Response;
use command::{Next, Progress, Step, To};
use texts::{Ending, Trouble};

/// `retry.backoff.ms`
const RETRY_BACKOFF: Duration = Duration::from_millis(100);

/// `metadata.max.age.ms`
const METADATA_AGE_MAX: Duration = Duration::from_secs(300);

/// `request.timeout.ms` since 2.5, where a call may take longer than a request (KIP-533).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The call under way.
#[derive(Debug)]
struct Call {
    step: Step,
    deadline: Instant,
    /// The deadline as the error message says it, ms since 1970.
    deadline_ms: i64,
    /// How often it failed.
    tries: u32,
    /// After a failure: not before this it is sent again.
    rests_until: Option<Instant>,
    /// Whether it is known who is to be asked.
    is_assigned: bool,
    /// Who was asked, in a request with this number.
    sent: Option<(BrokerId, i32)>,
}

impl Call {
    /// The first millisecond at which its time is over.
    fn over_at(&self) -> Instant {
        self.deadline + Duration::from_millis(1)
    }
}

/// An admin tool at work.
#[derive(Debug)]
pub struct Admin {
    config: AdminConfig,
    preset: Preset,
    bootstrap: String,
    network: Network<()>,
    progress: Progress,
    /// `None` once the tool is done.
    call: Option<Call>,
    /// What was printed so far.
    printed: String,
    events: Vec<Event<()>>,
}

impl Admin {
    /// A tool that begins now.
    pub fn new(
        client: &ClientConfig,
        config: AdminConfig,
        cx: &mut Context<'_, ClientNote>,
    ) -> Self {
        let request_timeout = match client.preset {
            Preset::V2_3 => config.timeout,
            Preset::V2_5 | Preset::Fixed => config.timeout.min(REQUEST_TIMEOUT),
        };
        let settings = Settings {
            client_id: client.id.clone(),
            preset: client.preset,
            request_timeout,
            in_flight_max: 1,
        };
        let metadata = Metadata::new(None, &client.bootstrap, RETRY_BACKOFF, METADATA_AGE_MAX);
        cx.note(ClientNote::AdminAsked {
            id: config.step.clone(),
            what: command::summary(&config.command).into(),
        });
        let mut admin = Self {
            preset: client.preset,
            bootstrap: client.bootstrap.join(","),
            network: Network::new(settings, metadata),
            progress: Progress::new(config.command.clone(), client.preset),
            call: None,
            printed: command::preamble(&config.command),
            events: Vec::new(),
            config,
        };
        let first = admin.progress.begin();
        admin.go_on(first, cx);
        admin
    }

    /// Takes an input.
    pub fn handle(&mut self, input: &Input, cx: &mut Context<'_, ClientNote>) {
        let mut events = std::mem::take(&mut self.events);
        self.network.handle(input, cx, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Answered { response, .. } => self.answered(response, cx),
                // When its time is over, the stream is closed under a call that is on its way: no try is left for it.
                Event::Lost { .. } if self.is_over(cx.now()) => {}
                Event::Lost { node, .. } => self.lost(node, cx),
                Event::Ready | Event::Learned => {}
            }
        }
        self.events = events;
        self.look_at_the_clock(cx);
        self.send(cx);
        if self.call.is_some() {
            self.network.refresh(cx);
        }
    }

    /// When it wants to be given an input.
    pub fn wake_at(&self) -> Instant {
        let Some(call) = &self.call else { return Instant::NEVER };
        let rested = call.rests_until.unwrap_or(Instant::NEVER);
        call.over_at().min(rested).min(self.network.wake_at())
    }

    /// What can be seen of it.
    pub fn view(&self) -> View {
        View { waiting: u64::from(self.call.is_some()), ..View::default() }
    }

    /// What it has printed so far.
    #[cfg(test)]
    pub fn printed(&self) -> &str {
        &self.printed
    }

    fn go_on(&mut self, next: Next, cx: &mut Context<'_, ClientNote>) {
        match next {
            Next::Ask(step) => {
                let timeout_ms = self.config.timeout.as_millis() as i64;
                self.call = Some(Call {
                    step,
                    deadline: cx.now() + self.config.timeout,
                    deadline_ms: cx.wall().as_millis().saturating_add(timeout_ms),
                    tries: 0,
                    rests_until: None,
                    is_assigned: false,
                    sent: None,
                });
            }
            Next::Again(code) => {
                self.network.metadata.forget_controller();
                self.failed(Trouble::from_broker(code, None), cx);
            }
            Next::Done(text) => self.end(Ok(text), cx),
            Next::Failed(trouble) => self.end(Err(trouble), cx),
        }
    }

    fn answered(&mut self, response: Response, cx: &mut Context<'_, ClientNote>) {
        let Some(call) = &mut self.call else { return };
        call.sent = None;
        let next = self.progress.answered(call.step, response);
        self.go_on(next, cx);
    }

    /// The connection was lost under the call.
    fn lost(&mut self, node: BrokerId, cx: &mut Context<'_, ClientNote>) {
        self.network.metadata.want();
        let Some(call) = &self.call else { return };
        let (_, number) = call.sent.unwrap_or((node, 0));
        let last = Trouble::disconnected(call.step.name(self.preset), number, node);
        self.failed(last, cx);
    }

    /// The call failed in a way that may pass.
    fn failed(&mut self, last: Trouble, cx: &mut Context<'_, ClientNote>) {
        let Some(call) = &mut self.call else { return };
        call.sent = None;
        call.is_assigned = false;
        call.tries += 1;
        call.rests_until = Some(cx.now() + RETRY_BACKOFF);
        let retries = match self.preset {
            Preset::V2_3 => 5,
            Preset::V2_5 | Preset::Fixed => u32::MAX,
        };
        if call.tries > retries {
            self.give_up(last, cx);
        }
    }

    /// No try is left: 2.3 says how the last one failed, 2.5 that it is a time-out (KIP-533), and that for a cause.
    fn give_up(&mut self, last: Trouble, cx: &mut Context<'_, ClientNote>) {
        let Some(call) = &self.call else { return };
        let trouble = match self.preset {
            Preset::V2_3 => last,
            Preset::V2_5 | Preset::Fixed => {
                let (name, deadline) = (call.step.name(self.preset), call.deadline_ms);
                let (now, tries) = (cx.wall().as_millis(), call.tries);
                let message = format!(
                    "Call(callName={name}, deadlineMs={deadline}) timed out at {now} after {tries} \
                     attempt(s)"
                );
                Trouble::timed_out_after(message, &last)
            }
        };
        self.end(Err(trouble), cx);
    }

    fn is_over(&self, now: Instant) -> bool {
        self.call.as_ref().is_some_and(|call| call.over_at() <= now)
    }

    fn look_at_the_clock(&mut self, cx: &mut Context<'_, ClientNote>) {
        if !self.is_over(cx.now()) {
            return;
        }
        let Some(call) = &mut self.call else { return };
        call.tries += 1;
        let last = match (call.sent, call.is_assigned) {
            (Some(_), _) if self.preset == Preset::V2_3 => {
                Trouble::timed_out("Aborted due to timeout.")
            }
            (Some((node, number)), _) => {
                Trouble::disconnected(call.step.name(self.preset), number, node)
            }
            (None, true) => Trouble::timed_out("Timed out waiting to send the call."),
            (None, false) => Trouble::timed_out("Timed out waiting for a node assignment."),
        };
        self.give_up(last, cx);
    }

    fn send(&mut self, cx: &mut Context<'_, ClientNote>) {
        let Some(call) = self.call.as_mut().filter(|call| call.sent.is_none()) else { return };
        if call.rests_until.is_some_and(|until| until > cx.now()) {
            return;
        }
        call.rests_until = None;
        let (step, left) = (call.step, call.deadline.since(cx.now()));
        let node = self.node(step, cx);
        if let Some(call) = &mut self.call {
            call.is_assigned = node.is_some();
        }
        let Some(node) = node else { return };
        if self.network.is_ready(node, cx) {
            let timeout_ms = i32::try_from(left.as_millis()).unwrap_or(i32::MAX);
            let request = self.progress.request(step, timeout_ms);
            let number = self.network.send(node, &request, Some(()), cx);
            if let Some(call) = &mut self.call {
                call.sent = Some((node, number));
            }
        }
    }

    /// Who is to be asked: nobody before the brokers are known from one of them.
    fn node(&mut self, step: Step, cx: &mut Context<'_, ClientNote>) -> Option<BrokerId> {
        let node = match step.to() {
            To::Controller => self.network.metadata.controller(),
            To::Anybody if self.network.metadata.is_known() => self.network.least_loaded(cx),
            To::Anybody => None,
        };
        if node.is_none() {
            self.network.metadata.want();
        }
        node
    }

    fn end(&mut self, result: Result<String, Trouble>, cx: &mut Context<'_, ClientNote>) {
        self.call = None;
        let Ending { exit, text } = match result {
            Ok(text) => Ending { exit: 0, text },
            Err(trouble) => texts::failure(
                &self.config.command,
                &trouble,
                &self.bootstrap,
                self.preset,
                cx.wall(),
            ),
        };
        self.printed.push_str(&text);
        cx.note(ClientNote::AdminDone {
            id: self.config.step.clone(),
            did: AdminDid { exit, output: self.printed.as_str().into() },
        });
        cx.exit(exit, "the command has ended");
    }
}
