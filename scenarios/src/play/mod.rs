//! Playing a plan: the one loop in which the world steps, faults are applied, and everything is looked at.
//!
//! ```text
//! next due action  ─┐
//!                   ├─ the earlier one ─► world ─► notes ─► Scene ─► checks, promises, outages, timeline
//! next world event ─┘
//! ```

mod agenda;
mod deeds;
pub(crate) mod facts;
mod judge;
pub(crate) mod led;
mod outages;
mod promises;
mod setup;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use machine::{Duration, Instant, Level, Note};
use reports::run::{Kind, Line, Run, Violation};
use sim::recorder::Trace;
use sim::world::{Fault, NodeId, World};

use crate::cast::{self, Actor, Said, Stage};
use crate::checks::{Breach, Panel};
use crate::cluster::Cluster;
use crate::plan::Plan;
use crate::scene::{Moment, Outside};
use crate::script::action::Action;

use agenda::{Due, Firing, Waiting};
use outages::Outages;
use promises::Promises;
use setup::SetUp;

/// Who looks on while a plan is played.
#[derive(Default)]
pub struct Watch<'a> {
    /// Takes the full trace.
    pub trace: Option<&'a mut dyn Write>,
    /// Is told the simulated time now and then.
    pub progress: Option<&'a mut dyn FnMut(Instant)>,
    /// Hears every note, with the world's time and the name of who said it.
    pub hears: Option<&'a mut Listener<'a>>,
    /// The command that plays it again.
    pub reproduce: String,
}

/// Hears a note: when, by whom, and what.
pub type Listener<'a> = dyn FnMut(Instant, &str, &Said) + 'a;

/// Plays a plan on a cluster, to its end or to a violation that makes going on pointless. `watch` is used up.
pub fn play(plan: &Plan, cluster: &Cluster, watch: &mut Watch<'_>) -> Run {
    stage_after(plan, cluster, watch).0
}

/// As [`play`], and hands out the stage as it is at the end: all trees, disks and machines.
pub fn stage_after(plan: &Plan, cluster: &Cluster, watch: &mut Watch<'_>) -> (Run, Stage) {
    let (plan, watch) = (Arc::new(plan.clone()), std::mem::take(watch));
    sim::hosted::inside(plan.seed, || Play::new(plan, cluster, watch).run())
}

/// How often progress is told, in simulated time.
const PROGRESS: Duration = Duration::from_secs(10);
/// Violations after which nobody needs more of them.
const VIOLATIONS_MAX: usize = 20;

/// A run under way.
pub(crate) struct Play<'w> {
    plan: Arc<Plan>,
    watch: Watch<'w>,
    stage: Stage,
    checks: Panel,
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
    set_up: SetUp,
    /// Guests that are to come to an end and have not.
    awaited: BTreeSet<String>,
}

/// The world as checks may ask it.
pub(crate) struct Behind<'a>(pub(crate) &'a World<Actor>);

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

/// What became of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Something happened.
    Went,
    /// Nothing is left to happen by then.
    Reached,
    /// Nobody needs more of it.
    Over,
}

impl<'w> Play<'w> {
    fn new(plan: Arc<Plan>, cluster: &Cluster, watch: Watch<'w>) -> Self {
        let mut stage = cast::stage(&plan, cluster);
        let trace = watch
            .trace
            .is_some()
            .then(|| Trace::new(Vec::new(), plan.seed).expect("writing to memory cannot fail"));
        if trace.is_none() {
            stage.world.show_only_exits();
        }
        let mut play = Self {
            watch,
            checks: Panel::default(),
            promises: Promises::new(&plan),
            outages: Outages::new(&plan, &stage),
            plan,
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
            set_up: if cluster.brokers.is_empty() { SetUp::Done } else { SetUp::Brokers },
            awaited: BTreeSet::new(),
        };
        play.fill_agenda();
        play
    }

    fn run(mut self) -> (Run, Stage) {
        self.begin();
        while self.turn(self.end()) == Turn::Went {}
        self.finish()
    }

    /// Servers and brokers are switched on.
    fn begin(&mut self) {
        let nodes = self.stage.servers.iter().chain(&self.stage.kafka.brokers);
        for node in nodes.copied().collect::<Vec<_>>() {
            self.apply(&Fault::Boot { node });
        }
        if self.set_up == SetUp::Done {
            self.begin_guests(Instant::ZERO);
        }
    }

    /// When the scenario is over.
    fn end(&self) -> Instant {
        Instant::ZERO + self.plan.duration
    }

    /// A step of the world or something that is due, whichever comes first, by `until`, which is not after the end.
    fn turn(&mut self, until: Instant) -> Turn {
        let due = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let limit = due.unwrap_or(until).min(until);
        if self.step_until(limit) {
            return Turn::Went;
        }
        if self.violations.len() >= VIOLATIONS_MAX {
            return Turn::Over;
        }
        self.stage.world.advance_to(limit);
        if due.is_none_or(|at| at > until) {
            return Turn::Reached;
        }
        let (_, due) = self.agenda.pop_first().expect("it was looked at above");
        self.due(due);
        Turn::Went
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
        let moment = Moment { step: step.id, at: step.at, node: step.node };
        let exited = matches!(step.outputs.last(), Some(sim::world::Output::Exited { .. }));
        let panicked = step.panicked.clone();
        if let Some(trace) = &mut self.trace {
            let step = step.clone();
            let name = self.stage.world.name_of(step.node).to_owned();
            trace.step(&name, &step).expect("writing to memory cannot fail");
        }
        let notes = self.stage.world.take_notes();
        for said in &notes {
            self.said(&moment, said);
        }
        self.stage.world.reuse(notes);
        if let Some(message) = &panicked {
            let name = self.stage.world.name_of(moment.node).to_owned();
            let message = format!("{name} panicked: {message}");
            self.violated("PANIC", "No machine panics.", moment.at, message);
        }
        if exited || panicked.is_some() {
            self.ended(moment.node, moment.at);
        }
        self.look(moment.at);
        true
    }

    /// A note was said: it is folded, then every check sees it.
    fn said(&mut self, moment: &Moment, said: &Said) {
        if let Some(hears) = &mut self.watch.hears {
            hears(moment.at, self.stage.world.name_of(moment.node), said);
        }
        self.stage.scene.fold(moment, said);
        self.marks.extend(said.mark());
        if said.level() == Level::Headline {
            let who = self.stage.world.name_of(moment.node).to_owned();
            self.line(moment.at, Kind::Note, who, said.to_string());
        }
        let changed = self.outages.see(moment, said);
        self.outage_lines(moment.at, changed);
        let behind = Behind(&self.stage.world);
        let mut breaches = Vec::new();
        self.checks.see(moment, said, &self.stage.scene, &behind, &mut breaches);
        self.breached(breaches, moment.at);
    }

    fn breached(&mut self, breaches: Vec<Breach>, at: Instant) {
        for Breach { id, property, message } in breaches {
            self.violated(id, property, at, message);
        }
    }

    /// Checks with bounds in time look, and outages become old enough to count.
    fn pass(&mut self, at: Instant) {
        let behind = Behind(&self.stage.world);
        let mut breaches = Vec::new();
        self.checks.pass(&self.stage.scene, &behind, &mut breaches);
        if !breaches.is_empty() {
            self.breached(breaches, at);
        }
        let changed = self.outages.pass(at, &self.stage.scene);
        if !changed.is_empty() {
            self.outage_lines(at, changed);
        }
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
        self.set_up(at);
        self.watch_triggers(at);
        let facts = facts::View { plan: &self.plan, stage: &self.stage, fired: &self.fired };
        let broken = self.promises.see(at, &self.plan, &facts);
        for message in broken {
            self.violated("expect", "What the scenario promises holds.", at, message);
        }
    }

    fn ended(&mut self, node: NodeId, at: Instant) {
        self.stage.scene.died(node);
        let changed = self.outages.ended(node, at);
        self.outage_lines(at, changed);
        // A tool has already said how it ended.
        let is_tool = matches!(self.stage.world.machine(node), Some(Actor::Kafka(_)));
        if let Some((code, why)) = self.stage.world.exit_of(node)
            && !is_tool
        {
            let (who, what) =
                (self.stage.world.name_of(node).to_owned(), format!("exits {code}: {why}"));
            self.line(at, Kind::Note, who, what);
        }
    }

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
}
