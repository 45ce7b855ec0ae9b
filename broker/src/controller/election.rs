//! Who becomes the controller: the first to create `/controller`. There are no votes (`KafkaController.elect`,
//! `KafkaZkClient.registerControllerAndIncrementControllerEpoch`).
//!
//! ```text
//! Look ──► there is one: wait for its znode to go
//!   └────► ReadEpoch ──► (CreateEpoch) ──► Claim ──► won
//!                                            └─────► CheckClaim: was it ours after all?
//! ```

use coordinator::code;
use coordinator::txn::Acl;
use coordinator::wire::client::{CreateFlags, MultiOp, Request};
use machine::Context;

use super::desk::{self, Answer};
use super::steps::Step;
use super::{Controller, Role};
use crate::id::{BrokerId, ControllerEpoch};
use crate::mechanism::Mutant;
use crate::note::Note;
use crate::zk::znode::{self, CONTROLLER, CONTROLLER_EPOCH, controller_epoch_from};

/// How far a candidacy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Is there a controller? Leaves a watch, and runs if there is none and `elect` says so.
    Look {
        /// Whether to run for it.
        elect: bool,
    },
    /// Now it is known.
    Looked {
        /// Whether to run for it.
        elect: bool,
    },
    /// The number of the last controller is read.
    EpochRead,
    /// There was none: the count begins.
    EpochCreated,
    /// The znode and the next number were asked for in one transaction.
    Claimed {
        /// The number.
        epoch: ControllerEpoch,
    },
    /// The transaction was refused; perhaps because it had been carried out before a connection was lost.
    ClaimChecked {
        /// The number.
        epoch: ControllerEpoch,
    },
    /// The session is new: what was led in the last one is led no more.
    Expire,
}

impl Controller {
    /// Takes one step of a candidacy.
    pub(super) fn candidacy(
        &mut self,
        stage: Stage,
        answers: &[Answer],
        cx: &mut Context<'_, Note>,
    ) {
        match stage {
            Stage::Look { elect } => {
                self.desk.ask(Request::Exists { path: CONTROLLER.into(), watch: true });
                self.desk.read(CONTROLLER, true);
                self.desk.next([Step::Candidacy(Stage::Looked { elect })]);
            }
            Stage::Looked { elect } => self.looked(elect, answers, cx),
            Stage::EpochRead => self.epoch_read(answers, cx),
            Stage::EpochCreated => match answers.first().map(desk::written) {
                Some(desk::Written::Done(_)) => self.claim(ControllerEpoch(0), 0, cx),
                _ => self.read_epoch(),
            },
            Stage::Claimed { epoch } => match answers.first().map(desk::written) {
                Some(desk::Written::Done(version)) => self.won(epoch, version, cx),
                Some(desk::Written::Refused(code::NODE_EXISTS | code::BAD_VERSION)) => {
                    self.desk.read(CONTROLLER, true);
                    self.desk.read(CONTROLLER_EPOCH, false);
                    self.desk.next([Step::Candidacy(Stage::ClaimChecked { epoch })]);
                }
                _ => {}
            },
            Stage::ClaimChecked { epoch } => {
                let [controller, count] = answers else { return };
                let count = desk::data(count)
                    .and_then(|(data, stat)| Some((controller_epoch_from(data)?, stat)));
                if let Some((found, stat)) = count
                    && found == epoch
                    && controller_in(controller) == Some(self.settings.id)
                {
                    self.won(epoch, stat.version, cx);
                }
            }
            Stage::Expire => self.resign("its session is gone", cx),
        }
    }

    /// Knows who is the controller: resigns if it is somebody else, runs if it is nobody.
    fn looked(&mut self, elect: bool, answers: &[Answer], cx: &mut Context<'_, Note>) {
        let controller = answers.get(1).and_then(controller_in);
        if controller != Some(self.settings.id) {
            let because = match controller {
                Some(_) => "there is another controller",
                None => "its znode is gone",
            };
            self.resign(because, cx);
        }
        if elect && controller.is_none() {
            self.read_epoch();
        }
    }

    fn read_epoch(&mut self) {
        self.desk.read(CONTROLLER_EPOCH, false);
        self.desk.next([Step::Candidacy(Stage::EpochRead)]);
    }

    fn epoch_read(&mut self, answers: &[Answer], cx: &mut Context<'_, Note>) {
        match answers.first() {
            Some(Err(code::NO_NODE)) => {
                self.desk.write(desk::create(CONTROLLER_EPOCH, Some(b"0".to_vec())), None);
                self.desk.next([Step::Candidacy(Stage::EpochCreated)]);
            }
            Some(answer) => {
                let Some((data, stat)) = desk::data(answer) else { return };
                let Some(epoch) = controller_epoch_from(data) else { return };
                self.claim(epoch, stat.version, cx);
            }
            None => {}
        }
    }

    /// Creates the znode and counts up, both or neither.
    fn claim(&mut self, last: ControllerEpoch, version: i32, cx: &mut Context<'_, Note>) {
        let counts = last.0 == 0 || !self.settings.mechanisms.has(Mutant::CountsNoControllers);
        let epoch = ControllerEpoch(last.0.saturating_add(i32::from(counts)));
        let flags = CreateFlags { ephemeral: true, sequential: false }.to_wire();
        let json = znode::controller_json(self.settings.id, cx.wall().as_millis());
        let create = MultiOp::Create {
            path: CONTROLLER.into(),
            data: Some(json.into()),
            acl: Acl::open(),
            flags,
        };
        let count = MultiOp::SetData {
            path: CONTROLLER_EPOCH.into(),
            data: Some(epoch.to_string().into()),
            version,
        };
        self.desk.ask(Request::Multi(vec![create, count]));
        self.desk.next([Step::Candidacy(Stage::Claimed { epoch })]);
    }

    fn won(&mut self, epoch: ControllerEpoch, version: i32, cx: &mut Context<'_, Note>) {
        if matches!(self.role, Role::Candidate) {
            self.begin_reign(epoch, version, cx);
        }
    }
}

fn controller_in(answer: &Answer) -> Option<BrokerId> {
    znode::controller_from_json(desk::data(answer)?.0)
}
