//! The controller: one broker of the cluster decides who leads what. Election, failover, broker and topic changes, the two
//! state machines, and one queue of control requests per broker.

use std::sync::Arc;

use coordinator::id::Zxid;
use coordinator::wire::client::Response as ZkResponse;
use kafka_protocol::messages as m;
use machine::{Conn, Context, Input, Instant};

use crate::config::Config;
use crate::id::BrokerEpoch;
use crate::note::Note;
use crate::replica::RequestId;
use crate::wire::Response;
use crate::zk::{Keeper, ZkError};

/// What the broker is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerEvent {
    /// The response of a request that came to this part.
    Answer(RequestId, Response),
}

/// A broker's candidate for the role, and the role while it has it.
pub struct Controller {}

impl Controller {
    /// Neither registered nor elected.
    pub fn new(_config: &Config) -> Self {
        unimplemented!()
    }

    /// The broker is registered (first time or again in a new session): watch `/controller` and run for it.
    pub fn registered(
        &mut self,
        _epoch: BrokerEpoch,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
    ) {
        unimplemented!()
    }

    /// The session is gone: all queued events are dropped, the role is given up.
    pub fn session_expired(
        &mut self,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ControllerEvent>,
    ) {
        unimplemented!()
    }

    /// The broker shuts down: the role is given up, nothing is run for again.
    pub fn stop(&mut self, _cx: &mut Context<'_, Note>, _events: &mut Vec<ControllerEvent>) {
        unimplemented!()
    }

    /// Whether it believes to be the controller.
    pub fn is_active(&self) -> bool {
        unimplemented!()
    }

    /// Whether this stream is one to a broker it controls.
    pub fn owns(&self, _conn: Conn) -> bool {
        unimplemented!()
    }

    /// When it wants any input.
    pub fn wake_at(&self) -> Option<Instant> {
        unimplemented!()
    }

    /// Takes any input that is its own (streams it owns, time).
    pub fn handle(
        &mut self,
        _input: &Input,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ControllerEvent>,
    ) {
        unimplemented!()
    }

    /// ZooKeeper answered [`crate::zk::Asker::Controller`] with this number.
    pub fn zk_reply(
        &mut self,
        _number: u64,
        _zxid: Zxid,
        _result: Result<ZkResponse, ZkError>,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ControllerEvent>,
    ) {
        unimplemented!()
    }

    /// A watch fired. All watches of the broker come here; those that are not the controller's are ignored.
    pub fn watched(
        &mut self,
        _kind: i32,
        _path: &Arc<str>,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
    ) {
        unimplemented!()
    }

    /// A broker is about to stop.
    pub fn controlled_shutdown(
        &mut self,
        _id: RequestId,
        _request: m::ControlledShutdownRequest,
        _version: i16,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ControllerEvent>,
    ) {
        unimplemented!()
    }

    /// Preferred or unclean elections on demand.
    pub fn elect_leaders(
        &mut self,
        _id: RequestId,
        _request: m::ElectLeadersRequest,
        _version: i16,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
        _events: &mut Vec<ControllerEvent>,
    ) {
        unimplemented!()
    }

    /// A topic's settings changed (`unclean.leader.election.enable` may have been switched on).
    pub fn topic_configured(
        &mut self,
        _topic: &str,
        _keeper: &mut Keeper,
        _cx: &mut Context<'_, Note>,
    ) {
        unimplemented!()
    }
}
