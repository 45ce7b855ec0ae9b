//! All checks together: each is shown what it wants to see, and nothing else.
//!
//! A run says millions of notes, and asking every check about each of them would cost more than the machines do.

use machine::{Duration, Instant};

use super::{Check, Excused, Look, Peace, Suspects, Wants};
use crate::cast::Said;
use crate::scene::kafka::Kind;
use crate::scene::{Moment, Outside, Scene};

/// Checks with bounds in time do not look more often.
const LOOK: Duration = Duration::from_millis(500);

/// A broken property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The check's id.
    pub id: &'static str,
    /// The property in one sentence.
    pub property: &'static str,
    /// What was found.
    pub message: String,
}

/// All checks, in the order in which they are told about a note.
pub struct Panel {
    checks: Vec<Box<dyn Check>>,
    zookeeper: Set,
    kafka: [Set; Kind::COUNT],
    timed: Set,
    peace: Peace,
    suspects: Suspects,
    /// When checks with bounds in time look again.
    look_at: Instant,
    found: Vec<String>,
}

/// Some of the checks, by place.
#[derive(Clone, Copy, Debug, Default)]
struct Set(u128);

impl Set {
    fn add(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Iterator for Set {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let place = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        (place < u128::BITS).then_some(place as usize)
    }
}

impl Default for Panel {
    fn default() -> Self {
        Self::of(super::all())
    }
}

impl Panel {
    /// These checks.
    ///
    /// # Panics
    /// With more than 128 of them.
    pub fn of(checks: Vec<Box<dyn Check>>) -> Self {
        assert!(checks.len() <= u128::BITS as usize, "a wider set is needed");
        let (mut zookeeper, mut timed) = (Set::default(), Set::default());
        let mut kafka = [Set::default(); Kind::COUNT];
        for (place, check) in checks.iter().enumerate() {
            match check.wants() {
                Wants::ZooKeeper => zookeeper.add(place),
                Wants::Kafka(kinds) => {
                    kinds.iter().for_each(|kind| kafka[*kind as usize].add(place));
                }
                Wants::Nothing => {}
            }
            if check.keeps_time() {
                timed.add(place);
            }
        }
        Self {
            checks,
            zookeeper,
            kafka,
            timed,
            peace: Peace::default(),
            suspects: Suspects::default(),
            look_at: Instant::ZERO,
            found: Vec::new(),
        }
    }

    /// A note was said, and `scene` has folded it.
    pub fn see(
        &mut self,
        moment: &Moment,
        said: &Said,
        scene: &Scene,
        outside: &dyn Outside,
        breaches: &mut Vec<Breach>,
    ) {
        let mut wanted = match said {
            Said::Server(_) | Said::Client(_) => self.zookeeper,
            Said::Broker(_) | Said::Kafka(_) | Said::Guest(_) => Set::default(),
        };
        for event in &scene.kafka.events {
            wanted = wanted.and(self.kafka[event.kind() as usize]);
        }
        for place in wanted {
            self.checks[place].see(moment, said, scene, outside, &mut self.found);
            self.told(place, breaches);
        }
    }

    /// Time passes: checks with bounds in time look, if it is time to.
    #[inline]
    pub fn pass(&mut self, scene: &Scene, outside: &dyn Outside, breaches: &mut Vec<Breach>) {
        if scene.now >= self.look_at {
            self.look_at = scene.now + LOOK;
            self.look(scene, outside, breaches);
        }
    }

    fn look(&mut self, scene: &Scene, outside: &dyn Outside, breaches: &mut Vec<Breach>) {
        self.peace.look(scene, outside);
        self.suspects.look(&scene.kafka, outside);
        for place in self.timed {
            let look = Look { scene, outside, peace: &self.peace, suspects: &self.suspects };
            self.checks[place].pass(&look, &mut self.found);
            self.told(place, breaches);
        }
    }

    /// The run is over.
    pub fn finish(&mut self, scene: &Scene, outside: &dyn Outside, breaches: &mut Vec<Breach>) {
        for place in 0..self.checks.len() {
            self.checks[place].finish(scene, outside, &mut self.found);
            self.told(place, breaches);
        }
    }

    /// Properties that were broken with an excuse, each as a breach with what excuses it.
    pub fn excused(&mut self) -> Vec<(Breach, Excused)> {
        let each = |check: &mut Box<dyn Check>| {
            let (id, property) = (check.id(), check.property());
            let excused = check.excused().into_iter();
            let excused =
                excused.map(move |one| (Breach { id, property, message: one.what.clone() }, one));
            excused.collect::<Vec<_>>()
        };
        self.checks.iter_mut().flat_map(each).collect()
    }

    #[inline]
    fn told(&mut self, place: usize, breaches: &mut Vec<Breach>) {
        if !self.found.is_empty() {
            self.tell(place, breaches);
        }
    }

    #[cold]
    fn tell(&mut self, place: usize, breaches: &mut Vec<Breach>) {
        let check = &self.checks[place];
        let (id, property) = (check.id(), check.property());
        breaches.extend(self.found.drain(..).map(|message| Breach { id, property, message }));
    }
}
