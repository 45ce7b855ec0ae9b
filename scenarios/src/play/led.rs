//! A run that is led from outside, turn by turn, with or without guests: until something is so, or for some time. What is
//! done in between is a step like those of the plan.

use std::sync::Arc;

use machine::Instant;
use reports::run::Run;

use super::facts::View;
use super::{Play, Turn, Watch};
use crate::cluster::Cluster;
use crate::plan::{Plan, Step};

/// A program that a test brings along.
#[cfg(madsim)]
pub(crate) struct Guest {
    /// Its name, also its node's.
    pub(crate) name: String,
    /// What it does.
    pub(crate) program: sim::hosted::Program,
    /// Whether it is to come to an end before the scenario does.
    pub(crate) is_awaited: bool,
}

/// A program that a test brings along: this build has no place for it.
#[cfg(not(madsim))]
pub(crate) type Guest = std::convert::Infallible;

/// What is asked after every turn.
pub(crate) type Wanted<'a> = &'a mut dyn FnMut(&View<'_>) -> bool;

/// A run under way, and who leads it.
pub(crate) struct Led {
    #[cfg(madsim)]
    house: Option<sim::hosted::House>,
    play: Play<'static>,
}

impl Led {
    /// At the very beginning, with everybody switched on.
    pub(crate) fn new(plan: Plan, cluster: &Cluster, reproduce: String, guests: &[Guest]) -> Self {
        let watch = Watch { reproduce, ..Watch::default() };
        let mut play = Play::new(Arc::new(plan), cluster, watch);
        #[cfg(madsim)]
        let house = (!guests.is_empty()).then(|| play.let_in(guests));
        #[cfg(not(madsim))]
        let _ = guests;
        play.begin();
        Self {
            #[cfg(madsim)]
            house,
            play,
        }
    }

    /// What is so now.
    pub(crate) fn view(&self) -> View<'_> {
        self.play.view()
    }

    /// The world's time.
    pub(crate) fn now(&self) -> Instant {
        self.play.stage.world.now()
    }

    /// When the scenario is over.
    pub(crate) fn end(&self) -> Instant {
        self.play.end()
    }

    /// Goes on until this is so, at most to `until`; whether it is so then.
    pub(crate) fn go_on(&mut self, until: Instant, wanted: Wanted<'_>) -> bool {
        let until = until.min(self.play.end());
        if wanted(&self.play.view()) {
            return true;
        }
        #[cfg(madsim)]
        if let Some(house) = &mut self.house {
            return self.play.with_guests(house, until, wanted);
        }
        while self.play.turn(until) == Turn::Went {
            if wanted(&self.play.view()) {
                return true;
            }
        }
        false
    }

    /// Does this now; the nodes it was done to.
    pub(crate) fn perform(&mut self, step: Step) -> Vec<String> {
        let (play, id) = (&mut self.play, step.id.clone());
        let plan = Arc::make_mut(&mut play.plan);
        let index = plan.steps.len();
        play.stage.add_late(index, &step);
        plan.steps.push(step);
        let now = play.stage.world.now();
        play.stage.scene.now = now;
        play.fire(index, now);
        play.look(now);
        let firings = play.fired.get(&id).and_then(|firings| firings.last());
        firings.map(|firing| firing.victims.clone()).unwrap_or_default()
    }

    /// Plays the rest, and judges the whole.
    pub(crate) fn finish(mut self) -> Run {
        let end = self.play.end();
        self.go_on(end, &mut |_| false);
        self.play.finish().0
    }
}

impl Play<'_> {
    fn view(&self) -> View<'_> {
        View { plan: &self.plan, stage: &self.stage, fired: &self.fired }
    }
}

#[cfg(madsim)]
mod guests {
    //! Guests in a run.

    use machine::Instant;
    use reports::run::Kind;
    use sim::hosted::{House, Show};
    use sim::world::{Fault, NodeId, World};

    use super::{Guest, Play, Turn, Wanted};
    use crate::cast::Actor;

    impl Play<'_> {
        pub(super) fn let_in(&mut self, guests: &[Guest]) -> House {
            let mut house = House::new(self.plan.seed);
            for Guest { name, program, is_awaited } in guests {
                house.let_in(program.clone(), |gate| self.stage.add_guest(name, gate));
                self.awaited.extend(is_awaited.then(|| name.clone()));
            }
            house
        }

        pub(super) fn with_guests(
            &mut self,
            house: &mut House,
            until: Instant,
            wanted: Wanted<'_>,
        ) -> bool {
            let mut hosted = Hosted { play: self, until, wanted, is_so: false };
            house.play(&mut hosted);
            hosted.is_so
        }
    }

    /// A run that goes on together with its guests.
    struct Hosted<'a, 'w> {
        play: &'a mut Play<'w>,
        until: Instant,
        wanted: Wanted<'a>,
        is_so: bool,
    }

    impl Show for Hosted<'_, '_> {
        type Actor = Actor;

        fn world(&mut self) -> &mut World<Actor> {
            &mut self.play.stage.world
        }

        fn next_at(&self) -> Option<Instant> {
            let due = self.play.agenda.first_key_value().map(|((at, _), _)| *at);
            let event = self.play.stage.world.next_at();
            Some(due.into_iter().chain(event).fold(self.until, Instant::min))
        }

        fn happen(&mut self, until: Instant) -> bool {
            loop {
                match self.play.turn(until.min(self.until)) {
                    Turn::Went => {
                        self.is_so = (self.wanted)(&self.play.view());
                        if self.is_so {
                            return false;
                        }
                    }
                    Turn::Reached => return until < self.until,
                    Turn::Over => return false,
                }
            }
        }

        fn apply(&mut self, fault: &Fault) {
            self.play.apply(fault);
        }

        /// A program that fails takes its node with it, and the run does not hold.
        fn ended(&mut self, guest: NodeId, how: Result<(), String>) {
            let world = &self.play.stage.world;
            let (now, who) = (world.now(), world.name_of(guest).to_owned());
            self.play.awaited.remove(&who);
            match how {
                Ok(()) => self.play.line(now, Kind::Note, who, "has ended".to_owned()),
                Err(why) => {
                    let property = "Guests do what they are there for.";
                    self.play.violated("guest", property, now, format!("{who}: {why}"));
                    self.play.apply(&Fault::Kill { node: guest });
                }
            }
        }
    }
}
