//! Playing a plan: the one loop in which the world steps, faults are applied, and everything is looked at.
//!
//! ```text
//! next due action  ─┐
//!                   ├─ the earlier one ─► world ─► notes ─► Scene ─► checks, promises, outages, timeline
//! next world event ─┘
//! ```

mod deeds;
mod facts;
mod outages;
mod promises;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use machine::{Duration, Instant, Level, Note};
use reports::run::{Kind, Line, Run, Verdict, Violation};
use sim::recorder::Trace;
use sim::world::{Fault, NodeId, World};

use crate::cast::{self, Actor, Said, Stage};
use crate::checks::{self, Check};
use crate::cluster::Cluster;
use crate::plan::{Plan, Trigger};
use crate::scene::{Moment, Outside};
use crate::script::action::Action;

use outages::Outages;
use promises::Promises;

/// Who looks on while a plan is played.
#[derive(Default)]
pub struct Watch<'a> {
    /// Takes the full trace.
    pub trace: Option<&'a mut dyn Write>,
    /// Is told the simulated time now and then.
    pub progress: Option<&'a mut dyn FnMut(Instant)>,
    /// The command that plays it again.
    pub reproduce: String,
}

/// Plays a plan on a cluster, to its end or to a violation that makes going on pointless.
pub fn play(plan: &Plan, cluster: &Cluster, watch: &mut Watch<'_>) -> Run {
    sim::hosted::inside(plan.seed, || Play::new(plan, cluster, watch).run())
}

/// How often progress is told, in simulated time.
const PROGRESS: Duration = Duration::from_secs(10);
/// Violations after which nobody needs more of them.
const VIOLATIONS_MAX: usize = 20;
/// How many steps of the past a violation shows.
const TRAIL: usize = 12;

/// A run under way.
struct Play<'p, 'w> {
    plan: &'p Plan,
    watch: &'p mut Watch<'w>,
    stage: Stage,
    checks: Vec<Box<dyn Check>>,
    promises: Promises,
    outages: Outages,
    agenda: BTreeMap<(Instant, u64), Due>,
    agenda_next: u64,
    triggers: BTreeMap<usize, Waiting>,
    fired: BTreeMap<String, Vec<Firing>>,
    trace: Option<Trace<Vec<u8>>>,
    marks: BTreeSet<&'static str>,
    timeline: Vec<Line>,
    did: Vec<reports::run::Step>,
    violations: Vec<Violation>,
    progress_at: Instant,
}

/// Something that is due at a time.
#[derive(Clone, Debug)]
enum Due {
    /// A client starts.
    Start(NodeId),
    /// A step of the plan fires.
    Fire(usize),
    /// What a step did is undone.
    Undo(String, Action),
    /// A promise's window begins or ends: look.
    Look,
}

/// A condition that sets a step off.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    was_true: bool,
    fired: u64,
}

/// One firing of a step: when, on whom, and the other side.
#[derive(Clone, Debug)]
struct Firing {
    at: Instant,
    victims: Vec<String>,
    peers: Vec<String>,
}

/// The world as checks may ask it.
struct Behind<'a>(&'a World<Actor>);

impl Outside for Behind<'_> {
    fn is_up(&self, node: NodeId) -> bool {
        self.0.is_up(node)
    }
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        self.0.reachable(self.0.host_of(from), self.0.host_of(to))
    }
    fn is_well(&self, node: NodeId) -> bool {
        self.0.is_well(node)
    }
    fn reaches_well(&self, from: NodeId, to: NodeId) -> bool {
        self.0.reaches_well(self.0.host_of(from), self.0.host_of(to))
    }
    fn durable_len(&self, node: NodeId, path: &str) -> Option<u64> {
        self.0.durable_len(node, path)
    }
}

impl<'p, 'w> Play<'p, 'w> {
    fn new(plan: &'p Plan, cluster: &Cluster, watch: &'p mut Watch<'w>) -> Self {
        let stage = cast::stage(plan, cluster);
        let trace = watch
            .trace
            .is_some()
            .then(|| Trace::new(Vec::new(), plan.seed).expect("writing to memory cannot fail"));
        let mut play = Self {
            plan,
            watch,
            checks: checks::all(),
            promises: Promises::new(plan),
            outages: Outages::new(plan, &stage),
            stage,
            agenda: BTreeMap::new(),
            agenda_next: 0,
            triggers: BTreeMap::new(),
            fired: BTreeMap::new(),
            trace,
            marks: BTreeSet::new(),
            timeline: Vec::new(),
            did: Vec::new(),
            violations: Vec::new(),
            progress_at: Instant::ZERO,
        };
        play.fill_agenda();
        play
    }

    fn run(mut self) -> Run {
        for node in self.stage.servers.clone() {
            self.apply(&Fault::Boot { node });
        }
        let end = Instant::ZERO + self.plan.duration;
        loop {
            let due = self.agenda.first_key_value().map(|((at, _), _)| *at);
            let limit = due.unwrap_or(end).min(end);
            if self.step_until(limit) {
                continue;
            }
            if self.violations.len() >= VIOLATIONS_MAX {
                break;
            }
            self.stage.world.advance_to(limit);
            match self.agenda.pop_first() {
                Some(((at, _), due)) if at <= end => self.due(due),
                _ => break,
            }
        }
        self.finish()
    }

    // -- the loop

    /// Steps the world once, if it has something to do by `limit`.
    fn step_until(&mut self, limit: Instant) -> bool {
        if self.violations.len() >= VIOLATIONS_MAX {
            return false;
        }
        let Some(step) = self.stage.world.step_until(limit) else { return false };
        if step.notes.is_empty() && step.panicked.is_none() && self.trace.is_none() {
            // Most steps of a quiet ensemble say nothing: only checks with bounds in time look at them.
            let at = step.at;
            let ended = matches!(step.outputs.last(), Some(sim::world::Output::Exited { .. }));
            self.stage.scene.now = at;
            if ended {
                let node = step.node;
                self.ended(node, at);
            }
            self.pass(at);
            return true;
        }
        let step = step.clone();
        let moment = Moment { step: step.id, at: step.at, node: step.node };
        if let Some(trace) = &mut self.trace {
            let name = self.stage.world.name_of(step.node).to_owned();
            trace.step(&name, &step).expect("writing to memory cannot fail");
        }
        for said in &step.notes {
            self.said(&moment, said);
        }
        if let Some(message) = &step.panicked {
            let name = self.stage.world.name_of(step.node).to_owned();
            let message = format!("{name} panicked: {message}");
            self.violated("PANIC", "No machine panics.", step.at, message);
        }
        let exited = matches!(step.outputs.last(), Some(sim::world::Output::Exited { .. }));
        if exited || step.panicked.is_some() {
            self.ended(step.node, step.at);
        }
        self.look(step.at);
        true
    }

    /// A note was said: it is folded, then every check sees it.
    fn said(&mut self, moment: &Moment, said: &Said) {
        self.stage.scene.fold(moment, said);
        self.marks.extend(said.mark());
        if said.level() == Level::Headline {
            let who = self.stage.world.name_of(moment.node).to_owned();
            self.line(moment.at, Kind::Note, who, said.to_string());
        }
        if let Said::Client(note) = said {
            let changed = self.outages.see(moment, note, &self.stage.scene);
            self.outage_lines(moment.at, changed);
        }
        let mut found = Vec::new();
        let behind = Behind(&self.stage.world);
        let mut violations = Vec::new();
        for check in &mut self.checks {
            check.see(moment, said, &self.stage.scene, &behind, &mut found);
            let property = check.property();
            violations.extend(found.drain(..).map(|message| (check.id(), property, message)));
        }
        for (id, property, message) in violations {
            self.violated(id, property, moment.at, message);
        }
    }

    /// Checks with bounds in time look, and outages become old enough to count.
    fn pass(&mut self, at: Instant) {
        let mut found = Vec::new();
        let behind = Behind(&self.stage.world);
        let mut violations = Vec::new();
        for check in &mut self.checks {
            check.pass(&self.stage.scene, &behind, &mut found);
            let property = check.property();
            violations.extend(found.drain(..).map(|message| (check.id(), property, message)));
        }
        for (id, property, message) in violations {
            self.violated(id, property, at, message);
        }
        let changed = self.outages.pass(at, &self.stage.scene);
        self.outage_lines(at, changed);
        if at >= self.progress_at {
            self.progress_at = at + PROGRESS;
            if let Some(progress) = &mut self.watch.progress {
                progress(at);
            }
        }
    }

    /// Something may have changed: conditions and promises are looked at.
    fn look(&mut self, at: Instant) {
        self.pass(at);
        self.watch_triggers(at);
        let facts = facts::View { plan: self.plan, stage: &self.stage, fired: &self.fired };
        let broken = self.promises.see(at, self.plan, &facts);
        for message in broken {
            self.violated("expect", "What the scenario promises holds.", at, message);
        }
    }

    fn watch_triggers(&mut self, at: Instant) {
        let facts = facts::View { plan: self.plan, stage: &self.stage, fired: &self.fired };
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

    // -- the agenda

    fn fill_agenda(&mut self) {
        for (client, node) in self.plan.clients.iter().zip(self.stage.clients.clone()) {
            self.schedule(client.start, Due::Start(node));
        }
        for (index, step) in self.plan.steps.iter().enumerate() {
            match &step.trigger {
                Trigger::At(at) => self.schedule(*at, Due::Fire(index)),
                Trigger::When { .. } => {
                    self.triggers.insert(index, Waiting::default());
                }
                Trigger::After { .. } => {}
            }
        }
        for at in self.promises.dates(self.plan, |_| None) {
            self.schedule(at, Due::Look);
        }
    }

    fn schedule(&mut self, at: Instant, due: Due) {
        let at = at.max(self.stage.world.now());
        self.agenda.insert((at, self.agenda_next), due);
        self.agenda_next += 1;
    }

    fn due(&mut self, due: Due) {
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

    fn fire(&mut self, index: usize, now: Instant) {
        let plan = self.plan;
        let step = &plan.steps[index];
        let (victims, peers) = self.carry_out(&step.action);
        self.tell_step(&step.id, now, &step.action, &victims, &peers);
        let first = !self.fired.contains_key(&step.id);
        if let Some((after, undo)) = &step.undo {
            // Undone to those it was done to, whoever the step picks the next time.
            let undo = deeds::pinned(undo, &victims, &peers);
            self.schedule(now + *after, Due::Undo(step.id.clone(), undo));
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
        let dates = self.promises.dates(plan, |id| (id == step.id).then_some(now));
        for at in dates {
            self.schedule(at, Due::Look);
        }
    }

    fn carry_out(&mut self, action: &Action) -> (Vec<String>, Vec<String>) {
        let facts = facts::View { plan: self.plan, stage: &self.stage, fired: &self.fired };
        let victims = action.who.resolve(&facts);
        let peers = action.to.as_ref().map(|to| to.resolve(&facts)).unwrap_or_default();
        for fault in deeds::faults(&action.deed, &victims, &peers, self.plan, &self.stage) {
            self.apply(&fault);
        }
        (victims, peers)
    }

    fn apply(&mut self, fault: &Fault) {
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
        }
        if let Fault::Wipe { node } = fault {
            self.stage.scene.wiped(*node);
        }
        if let Some((node, _)) =
            life(&self.stage.world).filter(|_| before != life(&self.stage.world))
        {
            self.stage.scene.booted(node);
        }
    }

    fn ended(&mut self, node: NodeId, at: Instant) {
        self.stage.scene.died(node);
        if let Some((code, why)) = self.stage.world.exit_of(node) {
            let (who, what) =
                (self.stage.world.name_of(node).to_owned(), format!("exits {code}: {why}"));
            self.line(at, Kind::Note, who, what);
        }
    }

    // -- what is told

    fn line(&mut self, at: Instant, kind: Kind, who: String, what: String) {
        self.timeline.push(Line { at: at.as_micros(), kind, who, what });
    }

    fn outage_lines(&mut self, at: Instant, changed: Vec<(String, String)>) {
        for (of, what) in changed {
            self.line(at, Kind::Outage, of, what);
        }
    }

    fn tell_step(
        &mut self,
        id: &str,
        at: Instant,
        action: &Action,
        victims: &[String],
        peers: &[String],
    ) {
        let did = deeds::sentence(&action.deed, victims, peers);
        self.line(at, Kind::Fault, id.to_owned(), did.clone());
        self.did.push(reports::run::Step { id: id.to_owned(), at: at.as_micros(), did });
    }

    fn violated(&mut self, check: &str, property: &str, at: Instant, message: String) {
        let again = self.violations.iter().filter(|one| one.check == check).count();
        if again >= 3 {
            return;
        }
        let tail = self.timeline.len().saturating_sub(TRAIL);
        let trail = self.timeline[tail..].iter().map(tell::trail).collect();
        self.line(at, Kind::Violation, check.to_owned(), message.clone());
        self.violations.push(Violation {
            check: check.to_owned(),
            property: property.to_owned(),
            at: at.as_micros(),
            message,
            trail,
        });
    }

    fn finish(mut self) -> Run {
        let end = self.stage.world.now();
        let mut violations = Vec::new();
        let behind = Behind(&self.stage.world);
        for check in &mut self.checks {
            let mut found = Vec::new();
            check.finish(&self.stage.scene, &behind, &mut found);
            let property = check.property();
            violations.extend(found.into_iter().map(|message| (check.id(), property, message)));
        }
        for (id, property, message) in violations {
            self.violated(id, property, end, message);
        }
        let facts = facts::View { plan: self.plan, stage: &self.stage, fired: &self.fired };
        let judged = self.promises.judge(self.plan, &facts);
        for message in judged.broken {
            self.violated("expect", "What the scenario promises holds.", end, message);
        }
        let fired = self.fired.iter();
        let fired = fired.map(|(id, firings)| (id.clone(), firings.iter().map(|one| one.at)));
        let fired = fired.map(|(id, at)| (id, at.collect())).collect();
        let (outages, broken) = self.outages.judge(end, self.plan, &fired);
        for (at, message) in broken {
            let property = "Clients are without service only as announced.";
            self.violated("outage", property, at, message);
        }
        let never_fired = self.plan.steps.iter().filter(|step| !self.fired.contains_key(&step.id));
        let mut undecided: Vec<String> = never_fired
            .map(|step| format!("step `{}` never fired: its trigger never came", step.id))
            .collect();
        undecided.dedup();
        undecided.extend(judged.undecided);
        let verdict = match (self.violations.is_empty(), undecided.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, false) => Verdict::Inconclusive,
            (true, true) => Verdict::Pass,
        };
        if let (Some(out), Some(trace)) = (&mut self.watch.trace, self.trace.take()) {
            let bytes = trace.finish().expect("writing to memory cannot fail");
            if let Err(error) = out.write_all(&bytes) {
                undecided.push(format!("the trace could not be written: {error}"));
            }
        }
        Run {
            scenario: self.plan.scenario.clone(),
            about: self.plan.about.trim().to_owned(),
            seed: self.plan.seed,
            verdict,
            fingerprint: format!("{:016x}", self.stage.world.fingerprint()),
            violations: self.violations,
            undecided,
            outages,
            steps: self.did,
            expectations: judged.expectations,
            marks: self.marks.iter().map(|mark| (*mark).to_owned()).collect(),
            timeline: self.timeline,
            final_state: tell::final_state(&self.stage),
            remarks: std::mem::take(&mut self.stage.remarks),
            statistics: tell::statistics(end, self.stage.world.events()),
            reproduce: self.watch.reproduce.clone(),
        }
    }
}
