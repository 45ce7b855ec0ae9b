//! What an event consists of: steps, each matched in one place. A step that is named for something read or written is given
//! what ZooKeeper answered to the step before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coordinator::wire::client::Request;
use machine::{Context, Instant};

use super::batch::Batch;
use super::channel::Channels;
use super::context::{ControllerContext, LiveBroker, Replicas};
use super::desk::{Answer, Desk, Moved};
use super::election::Stage;
use super::leaders::Written;
use super::partition_state::Strategy;
use super::{Settings, Topics};
use crate::id::{BrokerId, TopicPartition};
use crate::mechanism::ControllerFencing;
use crate::note::Note;
use crate::zk::znode::{PREFERRED_ELECTION, State};

/// Why something is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The picture is made anew.
    Failover,
    /// A watch said that it has changed.
    Changed,
}

/// Which of the notifications that brokers leave in ZooKeeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// `/isr_change_notification`: leaders have changed these partitions' ISRs.
    Isr,
    /// `/log_dir_event_notification`: a directory of this broker has failed.
    LogDir,
    /// `/admin/preferred_replica_election`: an operator wants these partitions led by their preferred leaders.
    PreferredElection,
}

/// One thing to do.
#[derive(Debug)]
pub enum Step {
    /// Of the candidate.
    Candidacy(Stage),

    // -- failover
    /// Look for what the last controller has left.
    Failover,
    /// Remove it: notifications are obsolete when everything is read anew.
    DropNotifications,
    /// Only the current controller's writes were carried out, or this one is deposed.
    CheckWrites,
    /// Tell everybody who lives; move the replicas of live brokers online, those of dead ones offline.
    StartReplicas,
    /// Tell which partitions are led; elect for the others.
    StartPartitions,
    /// The first rebalance comes soon.
    Ready,

    // -- brokers
    /// Who is registered?
    ListBrokers(Why),
    /// And where?
    ReadBrokers(Why),
    /// Now it is known.
    BrokersRead(Why, Vec<BrokerId>),
    /// Brokers have come.
    BrokersUp(BTreeMap<BrokerId, LiveBroker>),
    /// Brokers are gone.
    BrokersDown(BTreeSet<BrokerId>),
    /// Replicas cannot serve any more.
    ReplicasLost(Replicas),

    // -- topics
    /// Which topics are there?
    ListTopics(Why),
    /// How are they assigned?
    ReadAssignments(Why),
    /// Now it is known.
    AssignmentsRead(Why, Topics),
    /// Partitions nobody has heard of before.
    NewPartitions(Vec<TopicPartition>),

    // -- leaders
    /// What do the state znodes say?
    ReadStates(Vec<TopicPartition>),
    /// Now it is known.
    StatesRead(Vec<TopicPartition>),
    /// Everything that waits for a leader, of one topic or of all.
    ElectWaiting(Option<Arc<str>>),
    /// First leaders for new partitions, elections for others.
    MakeOnline(Vec<TopicPartition>, Strategy),
    /// State znodes for new partitions were asked for, behind this many of their parents.
    StatesCreated(Vec<(TopicPartition, State)>, usize),
    /// Begin an election by reading.
    Elect(Vec<TopicPartition>, Strategy),
    /// The states are read.
    BallotsRead(Vec<TopicPartition>, Strategy),
    /// The settings of these topics are read: whether unclean elections are allowed.
    SettingsRead(Vec<(TopicPartition, State, i32)>, Vec<Arc<str>>),
    /// The results are written.
    ResultsWritten(Vec<Written>, Strategy),
    /// A write was refused for a version: is it the partition's, or the controller's?
    StillController,

    // -- replicas
    /// Replicas that cannot serve, or must not: told to stop, taken out of their ISRs.
    MoveOffline(Replicas),
    /// Take a replica out of these ISRs.
    LeaveIsr(BrokerId, Vec<TopicPartition>),
    /// The states are read.
    IsrsRead(BrokerId, Vec<TopicPartition>),
    /// The new ones are written.
    IsrsWritten(BrokerId, Vec<(TopicPartition, State)>),
    /// Replicas are told whom to follow.
    MoveOnline(Replicas),
    /// What was collected goes out.
    Send,
    /// Everybody is told who lives and what is known of these partitions.
    TellAll(Vec<TopicPartition>),

    // -- deletion
    /// Which topics are to be deleted?
    ListDeletions(Why),
    /// Now it is known.
    DeletionsListed(Why),
    /// Go on with deletions wherever that is possible.
    ResumeDeletions,
    /// Replicas that could not be deleted may be tried again.
    RetryDeletion(Vec<Arc<str>>),
    /// Partitions go offline, replicas are told to delete their files.
    BeginDeletion(Vec<Arc<str>>),
    /// These are told now.
    DeleteReplicas(Replicas),
    /// Some of their replicas are not there.
    WaitForReplicas(Vec<Arc<str>>),
    /// These were not deleted.
    DeletionFailed(Replicas),
    /// All replicas are deleted: now the znodes.
    DeleteTopic(Arc<str>),
    /// Which partitions have znodes?
    DeleteZnodes(Arc<str>),
    /// They are gone.
    TopicDeleted(Arc<str>),

    // -- requests and notices
    /// Notices are there: which?
    ListNotices(Notice),
    /// What do they say?
    ReadNotices(Notice),
    /// Now it is known.
    NoticesRead(Notice, Vec<Arc<str>>),
    /// They are removed.
    RemoveNotices(Vec<Arc<str>>),
    /// The next wish for preferred leaders must be noticed.
    WatchElections,
    /// A broker stops: what it leads was moved, what it follows is to be stopped.
    StopFollowing(BrokerId, Vec<TopicPartition>),
    /// And it is answered.
    AnswerShutdown(BrokerId),
    /// An election was asked for, and is answered.
    AnswerElection,
    /// The next look at the balance.
    RebalanceLater,
}

/// The role of a controller: its picture, its channels, and what it has to tell.
#[derive(Debug)]
pub struct Reign {
    /// What it was told.
    pub settings: Arc<Settings>,
    /// The picture.
    pub context: ControllerContext,
    /// What is to be told at the end of the step under way.
    pub batch: Batch,
    /// The way to the brokers.
    pub channels: Channels,
    /// When the balance is looked at.
    pub rebalance_at: Option<Instant>,
    /// Of elections somebody asked for: the leader, or an error code.
    pub elections: BTreeMap<TopicPartition, Result<BrokerId, i16>>,
}

impl Reign {
    /// The role begins, with nothing known.
    pub fn new(settings: Arc<Settings>, context: ControllerContext) -> Self {
        let channels = Channels::new(settings.id, context.epoch, settings.socket_timeout);
        Self {
            settings,
            context,
            batch: Batch::default(),
            channels,
            rebalance_at: None,
            elections: BTreeMap::new(),
        }
    }

    /// The version of `/controller_epoch` on which its writes depend.
    pub fn fence(&self) -> Option<i32> {
        match self.settings.mechanisms.controller_fencing {
            ControllerFencing::On => Some(self.context.epoch_version),
            ControllerFencing::Off => None,
        }
    }

    /// What was collected goes into the queues.
    pub fn send(&mut self, cx: &mut Context<'_, Note>) {
        self.batch.send(&self.context, &self.settings, &mut self.channels, cx);
    }

    /// Takes one step, with the answers to what the step before it asked.
    ///
    /// # Errors
    /// There is another controller.
    pub fn take(
        &mut self,
        step: Step,
        answers: &[Answer],
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), Moved> {
        match step {
            Step::Candidacy(_) => {}

            Step::Failover => self.failover(desk),
            Step::DropNotifications => self.drop_notifications(answers, desk),
            Step::CheckWrites => super::desk::check(answers)?,
            Step::StartReplicas => self.start_replicas(desk, cx),
            Step::StartPartitions => self.start_partitions(),
            Step::Ready => self.ready(cx),

            Step::ListBrokers(why) => self.list_brokers(why, desk),
            Step::ReadBrokers(why) => self.read_brokers(why, answers, desk),
            Step::BrokersRead(why, ids) => self.brokers_read(why, &ids, answers, desk, cx),
            Step::BrokersUp(brokers) => self.brokers_up(brokers, desk, cx),
            Step::BrokersDown(brokers) => self.brokers_down(&brokers, desk),
            Step::ReplicasLost(replicas) => self.replicas_lost(replicas, desk),

            Step::ListTopics(why) => self.list_topics(why, desk),
            Step::ReadAssignments(why) => self.read_assignments(why, answers, desk),
            Step::AssignmentsRead(why, topics) => {
                self.assignments_read(why, &topics, answers, desk);
            }
            Step::NewPartitions(partitions) => self.new_partitions(partitions, desk),

            Step::ReadStates(partitions) => self.read_states(partitions, desk),
            Step::StatesRead(partitions) => self.states_read(&partitions, answers),
            Step::ElectWaiting(topic) => self.elect_waiting(topic.as_ref(), desk),
            Step::MakeOnline(partitions, strategy) => {
                self.make_online(partitions, strategy, desk);
            }
            Step::StatesCreated(states, parents) => {
                self.states_created(states, parents, answers, cx)?;
            }
            Step::Elect(partitions, strategy) => self.elect(partitions, strategy, desk),
            Step::BallotsRead(partitions, strategy) => {
                self.ballots_read(partitions, strategy, answers, desk);
            }
            Step::SettingsRead(ballots, topics) => {
                self.settings_read(ballots, &topics, answers, desk);
            }
            Step::ResultsWritten(written, strategy) => {
                self.results_written(written, strategy, answers, desk, cx);
            }
            Step::StillController => self.still_controller(answers)?,

            Step::MoveOffline(replicas) => self.move_offline(replicas, desk),
            Step::LeaveIsr(replica, partitions) => self.leave_isr(replica, partitions, desk),
            Step::IsrsRead(replica, partitions) => {
                self.isrs_read(replica, partitions, answers, desk);
            }
            Step::IsrsWritten(replica, states) => {
                self.isrs_written(replica, states, answers, desk, cx);
            }
            Step::MoveOnline(replicas) => self.move_online(&replicas, cx),
            Step::Send => self.send(cx),
            Step::TellAll(partitions) => self.tell_all(&partitions, cx),

            step => return self.take_other(step, answers, desk, cx),
        }
        Ok(())
    }

    /// Steps of deletions, requests and notices.
    fn take_other(
        &mut self,
        step: Step,
        answers: &[Answer],
        desk: &mut Desk,
        cx: &mut Context<'_, Note>,
    ) -> Result<(), Moved> {
        match step {
            Step::ListDeletions(why) => self.list_deletions(why, desk),
            Step::DeletionsListed(why) => self.deletions_listed(why, answers, desk),
            Step::ResumeDeletions => self.resume_deletions(desk),
            Step::RetryDeletion(topics) => self.retry_deletion(&topics, desk),
            Step::BeginDeletion(topics) => self.begin_deletion(topics, desk, cx),
            Step::DeleteReplicas(replicas) => self.delete_replicas(&replicas, cx),
            Step::WaitForReplicas(topics) => self.context.deletions_ineligible.extend(topics),
            Step::DeletionFailed(replicas) => self.deletion_failed(&replicas, desk),
            Step::DeleteTopic(topic) => self.delete_topic(topic, desk),
            Step::DeleteZnodes(topic) => self.delete_znodes(topic, answers, desk),
            Step::TopicDeleted(topic) => self.topic_deleted(&topic, answers)?,

            Step::ListNotices(notice) => self.list_notices(notice, desk),
            Step::ReadNotices(notice) => self.read_notices(notice, answers, desk),
            Step::NoticesRead(notice, names) => {
                self.notices_read(notice, &names, answers, desk);
            }
            Step::RemoveNotices(paths) => self.remove_notices(&paths, desk),
            Step::WatchElections => {
                desk.ask(Request::Exists { path: PREFERRED_ELECTION.into(), watch: true })
            }
            Step::StopFollowing(broker, partitions) => {
                self.stop_following(broker, partitions, desk, cx);
            }
            Step::AnswerShutdown(broker) => self.answer_shutdown(broker, desk),
            Step::AnswerElection => self.answer_election(desk),
            Step::RebalanceLater => {
                self.rebalance_at = Some(cx.now() + self.settings.rebalance_interval);
            }
            other => unreachable!("{other:?} is taken elsewhere"),
        }
        Ok(())
    }
}
