//! Rehearsals in `cargo test`: a scenario is opened, put on a cluster, played with one seed or many, and asked whether it
//! holds. What fails says how to see it again.
//!
//! Not here: what a scenario means ([`crate::script`]) and how it is played ([`crate::play`]).

pub mod build;
mod failure;
#[cfg(madsim)]
mod guest;
mod seeds;
mod sim;
mod source;
mod truth;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use reports::run::{Run, Verdict};

use crate::cluster::Cluster;
use crate::plan;
use crate::play::led::Led;
use crate::play::{self, Watch};
use crate::script::{self, Script};

pub use self::sim::{Sim, TimedOut};
pub use failure::{Failure, Unplayable};
#[cfg(madsim)]
pub use guest::{Net, Outcome};
pub use source::{On, convict};
pub use truth::Truth;

/// A scenario that can be played: opened from a file, parsed from a text, or built.
///
/// ```
/// # fn main() -> Result<(), scenarios::Unplayable> {
/// use scenarios::Scenario;
///
/// let scenario = Scenario::parse(r#"
///     name     = "a-leader-dies"
///     duration = "20s"
///     cluster  = { zookeeper = 3 }
///     timeline = { steps = [{ id = "down", at = "5s", do = "kill", nodes = "zk.leader" }] }
///     expect   = { finally = ["zk.quorum", "zk.leader is not victims(down)"] }
/// "#)?;
/// scenario.seeds(1..=3).assert_holds();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    script: Script,
    /// The file, if there is one.
    path: Option<PathBuf>,
    on: On,
    seeds: RangeInclusive<u64>,
    #[cfg(madsim)]
    guests: Vec<guest::Invitation>,
}

impl Scenario {
    /// Opens a scenario file.
    ///
    /// # Errors
    /// It cannot be read, or something is wrong with it: everything, with places.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Unplayable> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Unplayable::Words {
            what: format!("cannot read `{name}`: {error}"),
            help: "tests run in the folder of their package; paths are relative to it".to_owned(),
        })?;
        let script = script::parse(&text, &name)?;
        Ok(Self::of(script, Some(path.to_path_buf())))
    }

    /// Reads a scenario from a text in the language of scenario files.
    ///
    /// # Errors
    /// Something is wrong with it: everything, with places.
    pub fn parse(text: &str) -> Result<Self, Unplayable> {
        Ok(Self::of(script::parse(text, "scenario")?, None))
    }

    fn of(script: Script, path: Option<PathBuf>) -> Self {
        Self {
            script,
            path,
            on: On::Own,
            seeds: 1..=1,
            #[cfg(madsim)]
            guests: Vec::new(),
        }
    }

    /// Plays it on this cluster instead of its own: a [`Cluster`], or files to import one from (a path, or several). What
    /// is wrong with them is said when it is played.
    #[must_use]
    pub fn on(mut self, cluster: impl Into<On>) -> Self {
        self.on = cluster.into();
        self
    }

    /// Plays it with this seed; without, with seed 1. `REHEARSAL_SEED=17` and `REHEARSAL_SEEDS=1..50` in the environment
    /// come first.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.seeds(seed..=seed)
    }

    /// Plays it with each of these seeds, one after the other.
    #[must_use]
    pub fn seeds(mut self, seeds: RangeInclusive<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// What its author wrote.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// The cluster it will be played on.
    ///
    /// # Errors
    /// The files cannot be used, or the scenario names what this cluster does not have.
    pub fn cluster(&self) -> Result<Cluster, Unplayable> {
        let cluster = self.on.stage(&self.script, self.path.as_deref())?;
        let problems = self.script.check(&cluster);
        if problems.is_empty() { Ok(cluster) } else { Err(problems.into()) }
    }

    /// Plays it with every seed, whatever comes of it.
    ///
    /// # Errors
    /// As [`Self::cluster`], and if the environment does not name seeds.
    pub fn run(&self) -> Result<Vec<Run>, Unplayable> {
        let cluster = self.cluster()?;
        Ok(seeds::chosen(&self.seeds)?.map(|seed| self.play(&cluster, seed)).collect())
    }

    /// Plays it until the first seed with which it does not hold; otherwise gives all runs.
    ///
    /// A mark that is promised with `sometimes` must be reached by one of the runs, if there are several.
    ///
    /// # Errors
    /// The first run that is not [`Verdict::Pass`], or why nothing could be played.
    pub fn holds(&self) -> Result<Held, Failure> {
        let cluster = self.cluster()?;
        let seeds = seeds::chosen(&self.seeds)?;
        let several = seeds.end() > seeds.start();
        let mut runs = Vec::new();
        for seed in seeds {
            let run = self.play(&cluster, seed);
            if run.verdict != Verdict::Pass {
                return Err(Failure::of(run, self, runs.len()));
            }
            runs.push(run);
        }
        let mut marks = self.script.expect.sometimes.iter();
        let missing =
            marks.find(|mark| several && !runs.iter().any(|run| run.marks.contains(&mark.value)));
        match missing {
            Some(mark) => Err(Failure::never_reached(&mark.value, runs.len())),
            None => Ok(Held(runs)),
        }
    }

    /// Plays it and panics with the story of the first run in which it does not hold, and how to see that run again.
    #[track_caller]
    pub fn assert_holds(&self) -> Held {
        match self.holds() {
            Ok(held) => held,
            Err(failure) => panic!("{failure}"),
        }
    }

    fn play(&self, cluster: &Cluster, seed: u64) -> Run {
        let plan = plan::draw(&self.script, cluster, seed);
        let reproduce = failure::again(seed);
        let guests = self.invited(cluster);
        let mut run = ::sim::hosted::with_room(move || match guests.is_empty() {
            true => play::play(&plan, cluster, &mut Watch { reproduce, ..Watch::default() }),
            false => Led::new(plan, cluster, reproduce, &guests).finish(),
        });
        source::convict(&mut run, cluster);
        run
    }

    /// This build has no place for guests.
    #[cfg(not(madsim))]
    fn invited(&self, _: &Cluster) -> Vec<crate::play::led::Guest> {
        Vec::new()
    }

    /// The command line that plays it outside of tests, if there is one.
    fn command(&self, seed: u64) -> Option<String> {
        if !self.script.guests.is_empty() {
            return None;
        }
        let file = self.path.as_ref()?.display();
        let cluster = match &self.on {
            On::Own => String::new(),
            On::Files(files) => {
                let files = files.iter().map(|file| format!(" {}", file.display()));
                format!(" --cluster{}", files.collect::<String>())
            }
            On::Cluster(_) => return None,
        };
        Some(format!("rehearsal run {file} --seed {seed}{cluster}"))
    }
}

/// The runs of a scenario that held, in the order of their seeds.
#[derive(Clone)]
pub struct Held(Vec<Run>);

impl std::ops::Deref for Held {
    type Target = [Run];

    fn deref(&self) -> &[Run] {
        &self.0
    }
}

/// In short: runs are long.
impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seeds: Vec<_> = self.0.iter().map(|run| run.seed).collect();
        write!(f, "it holds with seeds {seeds:?}")
    }
}

/// How many scenario files there are in a folder now: the tests that [`crate::tests!`] makes compare it with what was there
/// when they were compiled.
pub fn files(folder: &str) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).count()
}
