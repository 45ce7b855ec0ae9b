//! A broker that is asked to stop first asks the controller to move away what it leads (`KafkaServer.controlledShutdown`):
//! the controller is looked up in ZooKeeper, asked over a connection of this part's own, and asked again after a pause as
//! long as something remains. It stops in any case afterwards.

use coordinator::wire::client::{Request, Response, code};
use kafka_protocol::messages as m;
use machine::{Conn, Context, Duration, Frames, Input, Instant};

use super::get;
use crate::config::Config;
use crate::id::{BrokerEpoch, BrokerId};
use crate::note::Note;
use crate::wire::versions::Versions;
use crate::wire::{Api, Response as Answer, error, request_frame, response};
use crate::zk::{ZkError, znode};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    /// ZooKeeper, for who the controller is.
    Controller,
    /// ZooKeeper, for where it is.
    Broker(BrokerId),
    /// The connection, until then.
    Connection(Instant),
    /// The response, until then.
    Response(Instant),
    /// The pause before the next try.
    Pause(Instant),
    /// Nothing: it is over.
    Over,
}

/// What the broker is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It goes on.
    Going,
    /// This is to be asked of ZooKeeper.
    Ask(Request),
    /// It is over, with this many partitions left with this broker, if the controller ever said so.
    Over(Option<u32>),
}

/// The whole of it.
#[derive(Debug)]
pub struct ControlledShutdown {
    id: BrokerId,
    epoch: BrokerEpoch,
    version: i16,
    listener: String,
    tries_left: u32,
    backoff: Duration,
    patience: Duration,
    response_max: usize,
    waiting: Waiting,
    /// The connection, open or not, to the broker it leads to.
    link: Option<(Conn, String, Frames)>,
    correlation: i32,
    remaining: Option<u32>,
}

impl ControlledShutdown {
    /// For the broker with this registration; [`Self::begin`] comes next.
    pub fn new(config: &Config, epoch: BrokerEpoch) -> Self {
        Self {
            id: config.id,
            epoch,
            version: Versions::of(config.preset).highest(Api::ControlledShutdown),
            listener: config.inter_broker_listener.clone(),
            tries_left: config.controlled_shutdown_retries,
            backoff: config.controlled_shutdown_backoff,
            patience: config.controller_socket_timeout,
            response_max: config.request_bytes_max,
            waiting: Waiting::Over,
            link: None,
            correlation: 0,
            remaining: None,
        }
    }

    /// The first try.
    pub fn begin(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        if self.tries_left == 0 {
            self.hang_up(cx);
            self.waiting = Waiting::Over;
            return Outcome::Over(self.remaining);
        }
        self.tries_left -= 1;
        self.waiting = Waiting::Controller;
        Outcome::Ask(get("/controller"))
    }

    /// Whether this stream is its own.
    pub fn owns(&self, conn: Conn) -> bool {
        self.link.as_ref().is_some_and(|(own, ..)| *own == conn)
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        match self.waiting {
            Waiting::Connection(at) | Waiting::Response(at) | Waiting::Pause(at) => Some(at),
            Waiting::Controller | Waiting::Broker(_) | Waiting::Over => None,
        }
    }

    /// ZooKeeper's reply to what was asked last.
    pub fn replied(
        &mut self,
        result: Result<Response, ZkError>,
        cx: &mut Context<'_, Note>,
    ) -> Outcome {
        let data = match result {
            Ok(Response::Data { data, .. }) => data,
            Ok(_) | Err(ZkError::Refused(code::NO_NODE)) => None,
            // Kafka gives up here, too: the exception ends the controlled part of its shutdown.
            Err(_) => {
                self.tries_left = 0;
                return self.begin(cx);
            }
        };
        match self.waiting {
            Waiting::Controller => match data.and_then(|data| znode::controller_from_json(&data)) {
                Some(controller) => {
                    self.waiting = Waiting::Broker(controller);
                    Outcome::Ask(get(znode::broker_path(controller)))
                }
                None => self.ask_whom_we_know(cx),
            },
            Waiting::Broker(_) => {
                let registration = data.and_then(|data| znode::Registration::from_json(&data));
                let address = registration.and_then(|registration| {
                    let named = |at: &&crate::config::Endpoint| at.name == self.listener;
                    let at = registration.endpoints.iter().find(named)?;
                    Some(format!("{}:{}", at.host, at.port))
                });
                match address {
                    Some(address) => self.ask_at(address, cx),
                    None => self.ask_whom_we_know(cx),
                }
            }
            _ => Outcome::Going,
        }
    }

    /// Takes any input that is its own (its stream, time).
    pub fn handle(&mut self, input: &Input, cx: &mut Context<'_, Note>) -> Outcome {
        match input {
            Input::Opened { conn, .. } if self.owns(*conn) => self.send(cx),
            Input::Closed { conn, .. } if self.owns(*conn) => {
                self.link = None;
                match self.waiting {
                    Waiting::Connection(_) | Waiting::Response(_) => self.pause(cx),
                    _ => Outcome::Going,
                }
            }
            Input::Received { conn, bytes } if self.owns(*conn) => {
                let Some((_, _, frames)) = &mut self.link else { return Outcome::Going };
                frames.push(bytes);
                match frames.take() {
                    Ok(None) => Outcome::Going,
                    Ok(Some(frame)) => match response(frame, Api::ControlledShutdown, self.version)
                    {
                        Ok(Answer::ControlledShutdown(answer)) => self.answered(&answer, cx),
                        _ => self.failed(cx),
                    },
                    Err(_) => self.failed(cx),
                }
            }
            _ => self.look_at_the_clock(cx),
        }
    }

    fn look_at_the_clock(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        let now = cx.now();
        match self.waiting {
            Waiting::Pause(at) if at <= now => self.begin(cx),
            Waiting::Connection(at) | Waiting::Response(at) if at <= now => self.failed(cx),
            _ => Outcome::Going,
        }
    }

    /// The controller is not to be found: whoever was it at the last try is asked again.
    fn ask_whom_we_know(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        match &self.link {
            Some(_) => self.send(cx),
            None => self.pause(cx),
        }
    }

    fn ask_at(&mut self, address: String, cx: &mut Context<'_, Note>) -> Outcome {
        if self.link.as_ref().is_some_and(|(_, known, _)| *known == address) {
            return self.send(cx);
        }
        self.hang_up(cx);
        let conn = cx.dial(&address);
        self.link = Some((conn, address, Frames::new(self.response_max)));
        self.waiting = Waiting::Connection(cx.now() + self.patience);
        Outcome::Going
    }

    fn send(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        let Some((conn, ..)) = &self.link else { return Outcome::Going };
        let body = m::ControlledShutdownRequest::default()
            .with_broker_id(m::BrokerId(self.id.0))
            .with_broker_epoch(self.epoch.0);
        let client_id = self.id.to_string();
        cx.send(*conn, request_frame(&body.into(), self.version, self.correlation, &client_id));
        self.correlation += 1;
        self.waiting = Waiting::Response(cx.now() + self.patience);
        Outcome::Going
    }

    fn answered(
        &mut self,
        answer: &m::ControlledShutdownResponse,
        cx: &mut Context<'_, Note>,
    ) -> Outcome {
        if !matches!(self.waiting, Waiting::Response(_)) {
            return Outcome::Going;
        }
        if answer.error_code != error::NONE {
            return self.pause(cx);
        }
        let remaining = u32::try_from(answer.remaining_partitions.len()).unwrap_or(u32::MAX);
        self.remaining = Some(remaining);
        if remaining > 0 {
            return self.pause(cx);
        }
        self.tries_left = 0;
        self.begin(cx)
    }

    /// The connection is of no use any more.
    fn failed(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        self.hang_up(cx);
        self.pause(cx)
    }

    fn pause(&mut self, cx: &mut Context<'_, Note>) -> Outcome {
        self.waiting = Waiting::Pause(cx.now() + self.backoff);
        Outcome::Going
    }

    fn hang_up(&mut self, cx: &mut Context<'_, Note>) {
        if let Some((conn, ..)) = self.link.take() {
            cx.close(conn);
        }
    }
}
