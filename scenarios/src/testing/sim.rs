//! A run that a test leads itself, step by step, with closures over what is so.

use std::fmt;
use std::time::Duration;

use machine::Instant;
use reports::run::Run;

use super::build::{self, Step};
use super::truth::Truth;
use super::{Scenario, Unplayable, failure, source};
use crate::cluster::Cluster;
use crate::plan;
use crate::play::led::Led;
use crate::script::Script;

/// How long a test waits for something, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run under way. What the scenario plans happens by itself as time goes on; time goes on only here.
pub struct Sim {
    led: Led,
    script: Script,
    cluster: Cluster,
    seed: u64,
    patience: Duration,
}

/// Something did not come to be so in time. Says what was so instead.
#[derive(Clone, PartialEq, Eq)]
pub struct TimedOut {
    waited: Duration,
    what: String,
    truth: String,
}

impl Scenario {
    /// Begins a run that the test leads itself.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use scenarios::Scenario;
    ///
    /// let scenario = Scenario::parse(r#"
    ///     name     = "stepping"
    ///     duration = "60s"
    ///     cluster  = { zookeeper = 3 }
    /// "#)?;
    /// let mut sim = scenario.start(1)?;
    /// sim.step_until(|truth| truth.quorum())?;
    /// let dead = sim.kill("zk.leader");
    /// sim.step_until(|truth| truth.quorum() && truth.zookeeper_leader().as_ref() != dead.first())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub fn start(&self, seed: u64) -> Result<Sim, Unplayable> {
        let cluster = self.cluster()?;
        let plan = plan::draw(&self.script, &cluster, seed);
        let led = Led::new(plan, &cluster, failure::again(seed), &self.invited(&cluster));
        let script = self.script.clone();
        Ok(Sim { led, script, cluster, seed, patience: PATIENCE })
    }
}

impl Sim {
    /// Waits at most so long for something, in simulated time; 60 s unless said.
    pub fn patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Asks what is so now.
    pub fn look<R>(&self, ask: impl FnOnce(&Truth<'_>) -> R) -> R {
        ask(&Truth(&self.led.view()))
    }

    /// The simulated time since the run began.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.led.now().as_micros())
    }

    /// Goes on until this is so; it is asked after everything that happens.
    ///
    /// # Errors
    /// It is not so in time, or the scenario is over before.
    pub fn step_until(
        &mut self,
        mut is_so: impl FnMut(&Truth<'_>) -> bool,
    ) -> Result<(), TimedOut> {
        let began = self.now();
        if self.led.go_on(self.later(self.patience), &mut |view| is_so(&Truth(view))) {
            return Ok(());
        }
        Err(self.timed_out(began, "it was not so"))
    }

    /// Goes on until this condition of the language holds (`leader(orders-0) is kafka-2 and zk.quorum`).
    ///
    /// # Errors
    /// As [`Self::step_until`].
    ///
    /// # Panics
    /// If it is not a condition, or names what is not there; with the place and what to try.
    #[track_caller]
    pub fn until(&mut self, condition: &str) -> Result<(), TimedOut> {
        let script = match self.script.with_condition(condition, &self.cluster) {
            Ok(script) => script,
            Err(wrong) => panic!("{}", Unplayable::from(wrong)),
        };
        let promises = plan::draw(&script, &self.cluster, self.seed).promises;
        let wanted = &promises.finally[0].condition;
        let began = self.now();
        if self.led.go_on(self.later(self.patience), &mut |view| wanted.holds(view)) {
            return Ok(());
        }
        Err(self.timed_out(began, &format!("`{condition}` did not hold")))
    }

    /// Goes on for this long, at most to the end of the scenario.
    pub fn run_for(&mut self, span: Duration) {
        self.led.go_on(self.later(span), &mut |_| false);
    }

    /// Does this now, whatever time it names; the nodes it was done to. Every verb of the language has a function in
    /// [`crate::build`].
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn perform(&mut self, step: Step) -> Result<Vec<String>, Unplayable> {
        let number = self.script.steps.len() + 1;
        let step = step.now(&format!("step-{number}"));
        let script = self.script.with_step(&build::Value::from(step).to_string(), &self.cluster)?;
        let mut plan = plan::draw(&script, &self.cluster, self.seed);
        self.script = script;
        let step = plan.steps.pop().expect("the step that was added comes last");
        Ok(self.led.perform(step))
    }

    /// Plays the rest of the scenario, and judges the whole.
    pub fn finish(self) -> Run {
        let mut run = self.led.finish();
        source::convict(&mut run, &self.cluster);
        run
    }

    fn later(&self, span: Duration) -> Instant {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Instant::from_micros(self.led.now().as_micros().saturating_add(micros))
    }

    fn timed_out(&self, began: Duration, what: &str) -> TimedOut {
        let is_over = self.led.now() >= self.led.end();
        let what =
            if is_over { format!("{what}, and the scenario is over") } else { what.to_owned() };
        TimedOut { waited: self.now() - began, what, truth: self.look(|truth| truth.to_string()) }
    }
}

macro_rules! deeds {
    ($($(#[$about:meta])* $name:ident($($side:ident),+);)*) => {
        impl Sim {
            $($(#[$about])*
            ///
            /// # Panics
            /// If that is no selector, or names what is not there; with the place and what to try.
            #[track_caller]
            pub fn $name(&mut self, $($side: &str),+) -> Vec<String> {
                match self.perform(build::$name($($side),+)) {
                    Ok(victims) => victims,
                    Err(wrong) => panic!("{wrong}"),
                }
            })*
        }
    };
}

deeds! {
    /// The processes of these nodes die at once: names or selectors (`leader(orders-0)`, `any 2 of zk-*`).
    kill(nodes);
    /// They are asked to stop.
    stop(nodes);
    /// Dead ones start again.
    restart(nodes);
    /// They stand still.
    pause(nodes);
    /// They go on.
    resume(nodes);
    /// Their hosts lose power.
    power_loss(nodes);
    /// They are cut off from everybody.
    isolate(nodes);
    /// They are back among the others.
    rejoin(nodes);
    /// No packets between these two sides.
    cut(from, to);
    /// Packets again between these two sides.
    heal(from, to);
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.waited.as_micros() / 1_000;
        let (whole, rest) = (seconds / 1_000, seconds % 1_000);
        write!(f, "{} after {whole}.{rest:03} s of simulated time\n{}", self.what, self.truth)
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for TimedOut {}
