//! What is due and when: clients start, steps fire and are undone, conditions set steps off, promises want a look.

use machine::{Duration, Instant};
use sim::world::{DiskFault, Fault, NodeId, World};

use super::{Play, deeds, facts};
use crate::cast::{Actor, Stage};
use crate::plan::Trigger;
use crate::scene::Rough;
use crate::script::action::Action;

/// Something that is due at a time.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// A client starts.
    Start(NodeId),
    /// A step of the plan fires.
    Fire(usize),
    /// What a step did is undone.
    Undo(String, Box<Action>),
    /// A promise's window begins or ends: look.
    Look,
}

/// A condition that sets a step off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// Whether it was true at the last look.
    was_true: bool,
    /// How often it set the step off.
    fired: u64,
}

/// One firing of a step: when, on whom, and the other side.
#[derive(Clone, Debug)]
pub(crate) struct Firing {
    /// When.
    pub(super) at: Instant,
    /// On whom.
    pub(super) victims: Vec<String>,
    /// The other side.
    pub(super) peers: Vec<String>,
}

impl Play<'_> {
    pub(super) fn fill_agenda(&mut self) {
        let plan = self.plan.clone();
        for (client, node) in plan.clients.iter().zip(self.stage.clients.clone()) {
            // Clients of Kafka wait until its stage is set.
            if client.work.topic().is_none() {
                self.schedule_start(client.start, node);
            }
        }
        for (index, step) in plan.steps.iter().enumerate() {
            match &step.trigger {
                Trigger::At(at) => self.schedule(*at, Due::Fire(index)),
                Trigger::When { .. } => {
                    self.triggers.insert(index, Waiting::default());
                }
                Trigger::After { .. } => {}
            }
        }
        for at in self.promises.dates(&plan, |_| None) {
            self.schedule(at, Due::Look);
        }
    }

    pub(super) fn schedule_start(&mut self, at: Instant, node: NodeId) {
        self.schedule(at, Due::Start(node));
    }

    fn schedule(&mut self, at: Instant, due: Due) {
        let at = at.max(self.stage.world.now());
        self.agenda.insert((at, self.agenda_next), due);
        self.agenda_next += 1;
    }

    pub(super) fn due(&mut self, due: Due) {
        let now = self.stage.world.now();
        self.stage.scene.now = now;
        match due {
            Due::Start(node) => self.apply(&Fault::Boot { node }),
            Due::Fire(index) => self.fire(index, now),
            Due::Undo(id, action) => {
                let (victims, peers) = self.carry_out(&action);
                self.tell_step(&format!("{id} ends"), now, &action, &victims, &peers);
            }
            Due::Look => {}
        }
        self.look(now);
    }

    pub(super) fn fire(&mut self, index: usize, now: Instant) {
        let plan = self.plan.clone();
        let step = &plan.steps[index];
        let (victims, peers) = self.carry_out(&step.action);
        self.start_admin(index);
        self.tell_step(&step.id, now, &step.action, &victims, &peers);
        let first = !self.fired.contains_key(&step.id);
        if let Some((after, undo)) = &step.undo {
            // Undone to those it was done to, whoever the step picks the next time.
            let undo = deeds::pinned(undo, &victims, &peers);
            self.schedule(now + *after, Due::Undo(step.id.clone(), Box::new(undo)));
        }
        let firing = Firing { at: now, victims, peers };
        self.fired.entry(step.id.clone()).or_default().push(firing);
        self.outages.fired(&step.id, now);
        for (other, after) in plan.steps.iter().enumerate() {
            if let Trigger::After { step: anchor, offset } = &after.trigger
                && first
                && *anchor == step.id
            {
                self.schedule(now + Duration::from_micros(*offset), Due::Fire(other));
            }
        }
        let dates = self.promises.dates(&plan, |id| (id == step.id).then_some(now));
        for at in dates {
            self.schedule(at, Due::Look);
        }
    }

    /// A step that uses an admin tool: the tool begins, again if it was used before.
    fn start_admin(&mut self, index: usize) {
        let mut admins = self.stage.kafka.admins.iter();
        if let Some((_, node)) = admins.find(|(step, _)| *step == index) {
            let node = *node;
            self.apply(&Fault::Restart { node });
        }
    }

    fn carry_out(&mut self, action: &Action) -> (Vec<String>, Vec<String>) {
        let facts = facts::View { plan: &self.plan, stage: &self.stage, fired: &self.fired };
        let victims = action.who.resolve(&facts);
        let peers = action.to.as_ref().map(|to| to.resolve(&facts)).unwrap_or_default();
        for fault in deeds::faults(&action.deed, &victims, &peers, &self.plan, &self.stage) {
            self.apply(&fault);
        }
        (victims, peers)
    }

    pub(super) fn apply(&mut self, fault: &Fault) {
        let now = self.stage.world.now();
        if let Some(trace) = &mut self.trace {
            trace.fault(now, fault).expect("writing to memory cannot fail");
        }
        let dies: Vec<NodeId> = match fault {
            Fault::Kill { node } | Fault::Wipe { node } => vec![*node],
            Fault::PowerLoss { host } => {
                let world = &self.stage.world;
                world.nodes().filter(|node| world.host_of(*node) == *host).collect()
            }
            _ => Vec::new(),
        };
        let life = |world: &World<Actor>| match fault {
            Fault::Boot { node } | Fault::Restart { node } => {
                Some((*node, world.incarnation(*node)))
            }
            _ => None,
        };
        let before = life(&self.stage.world);
        self.stage.world.apply(fault);
        for node in dies {
            self.stage.scene.died(node);
            let changed = self.outages.ended(node, now);
            self.outage_lines(now, changed);
        }
        match fault {
            Fault::Pause { node } => {
                let changed = self.outages.paused(*node, now);
                self.outage_lines(now, changed);
            }
            Fault::Resume { node } => self.outages.resumed(*node, now),
            _ => {}
        }
        self.roughen(fault);
        if let Some((node, _)) =
            life(&self.stage.world).filter(|_| before != life(&self.stage.world))
        {
            self.stage.scene.booted(node);
        }
    }

    /// What a fault does to what is on disks, as far as the scene must know.
    fn roughen(&mut self, fault: &Fault) {
        let Stage { scene, world, .. } = &mut self.stage;
        match fault {
            Fault::Wipe { node } => scene.wiped(*node),
            Fault::PowerLoss { host } => {
                for node in world.nodes().filter(|node| world.host_of(*node) == *host) {
                    scene.roughened(node, Rough::PowerLost);
                }
            }
            Fault::Disk { node, fault: DiskFault::BitRot { .. } | DiskFault::LyingSync(true) } => {
                scene.roughened(*node, Rough::Damaged)
            }
            _ => {}
        }
    }

    pub(super) fn watch_triggers(&mut self, at: Instant) {
        let facts = facts::View { plan: &self.plan, stage: &self.stage, fired: &self.fired };
        let mut due = Vec::new();
        for (index, waiting) in &mut self.triggers {
            let Trigger::When { that, after, times } = &self.plan.steps[*index].trigger else {
                continue;
            };
            if waiting.fired >= *times {
                continue;
            }
            let is_true = that.condition.holds(&facts);
            if is_true && !waiting.was_true {
                waiting.fired += 1;
                due.push((at + *after, *index));
            }
            waiting.was_true = is_true;
        }
        for (at, index) in due {
            self.schedule(at, Due::Fire(index));
        }
    }
}
