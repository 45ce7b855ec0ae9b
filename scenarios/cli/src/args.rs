//! The command line: what can be asked for, and the help that says so.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};
use clap_complete::engine::ArgValueCompleter;

use crate::check::{CheckArgs, Format};
use crate::cluster::ClusterArgs;
use crate::completions::{CompletionsArgs, scenario_files};
use crate::explain::ExplainArgs;
use crate::format::FormatArgs;
use crate::library::{ListArgs, ShowArgs};
use crate::manual::ManArgs;
use crate::schema::SchemaArgs;
use crate::terminal::Colour;

use crate::what_if::WhatIfArgs;

/// Rehearse the failures of a Kafka cluster on ZooKeeper before they happen.
///
/// Real servers' logic runs in a simulated world: the same seed always gives the same run, minutes pass in milliseconds, and
/// every guarantee is checked after every step.
#[derive(Debug, Parser)]
#[command(name = "rehearsal", version, max_term_width = 100, after_help = EXAMPLES)]
#[command(after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colours; auto is on terminals, and heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "auto|always|never", default_value = "auto")]
    #[arg(hide_default_value = true, hide_possible_values = true, display_order = 998)]
    pub color: Colour,
}

impl Cli {
    /// Reads the command line; its own help and errors are coloured as it asks.
    pub fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut command = Self::command().color(Colour::asked_for(&words).into());
        let has_cluster = words.iter().any(|word| word == "--cluster");
        let found = command.try_get_matches_from_mut(words);
        let read = found.and_then(|mut found| {
            Self::from_arg_matches_mut(&mut found).map_err(|error| error.format(&mut command))
        });
        read.map_err(|error| if has_cluster { scenarios_first(error) } else { error })
    }
}

/// `--cluster` takes all files behind it: whoever writes the scenario there is told.
fn scenarios_first(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::MissingRequiredArgument {
        let tip = "scenarios stand before --cluster, which takes all files behind it";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play scenarios and say whether all that was promised held
    Run(RunArgs),
    /// Ask what happens to your cluster when nodes are lost, and get the scenario for it
    WhatIf(WhatIfArgs),
    /// Show the cluster your files really make, what is wrong with it, and where its settings come from
    Cluster(ClusterArgs),
    /// List the scenarios that come with this command
    List(ListArgs),
    /// Print a scenario of the library, to read it or to start one's own from it
    Show(ShowArgs),
    /// Say what is wrong with scenarios, without playing them
    Check(CheckArgs),
    /// Lay scenario files out as those of the library are
    Fmt(FormatArgs),
    /// Explain a diagnostic or a finding by its code
    ExplainCode(ExplainArgs),
    /// Print the JSON Schema of scenario files, for editors
    Schema(SchemaArgs),
    /// Start a real ensemble on this computer, for your own client to talk to
    Up(UpArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all of them to a folder
    Man(ManArgs),
}

const EXAMPLES: &str = "\
Examples:
  rehearsal cluster docker-compose.yml
      what your cluster really is, what is wrong with it, and where its settings come from
  rehearsal what-if docker-compose.yml --lose \"zk-2, zk-3\"
      what stops, what goes on, what is lost, for how long
  rehearsal run lose-the-leader-broker
      plays a scenario of the library, and says what held, what broke, and for how long
  rehearsal run lose-the-leader --cluster docker-compose.yml
      on your own cluster
  rehearsal show lose-the-leader-broker > mine.toml
      a scenario of your own to start from; `rehearsal list` shows the others
  rehearsal help run
      everything about a command";

const CODES: &str = "\
Exit codes:
  0  all runs passed
  1  a check or an expectation failed
  2  nothing failed, but something could not be judged
  3  a scenario, a cluster's files or the command line cannot be used
  4  a run was not deterministic (with --twice)
  101  the simulator itself panicked
  130  interrupted (Ctrl-C)
  141  nobody read the output to its end";

const RUN_EXAMPLES: &str = "\
Examples:
  rehearsal run lose-two-of-three-zookeepers
      a scenario of the library (`rehearsal list` shows them), with seed 1
  rehearsal run my-scenario.toml --seeds 1..50
      fifty runs of your own, summed up; Ctrl-C says what is known and how to go on
  rehearsal run scenarios/*.toml --seeds 1..50 --quiet
      a line for each file
  rehearsal run lose-the-leader --cluster docker-compose.yml
      on the ZooKeeper servers of your compose file, mistakes included
  rehearsal run lose-the-leader --cluster zk-1/zoo.cfg zk-2/zoo.cfg zk-3/zoo.cfg
      on the servers that these files configure
  rehearsal run lose-the-leader --seed 7 --json | jq .outages
      for programs: one JSON object per line and run, times in seconds

The verdict comes first; below it is why, the timeline, and the command that plays it again.";

/// `rehearsal run`.
#[derive(Args, Clone, Debug)]
#[command(after_help = RUN_EXAMPLES, after_long_help = format!("{RUN_EXAMPLES}\n\n{CODES}"))]
pub struct RunArgs {
    /// Scenario files, or names from the library
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    #[arg(add = ArgValueCompleter::new(scenario_files))]
    pub files: Vec<String>,
    /// The seed: all chance of a run is drawn from it [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "seeds", help_heading = PLAYED)]
    pub seed: Option<u64>,
    /// Several seeds: 1..50 is fifty runs, 50 included
    #[arg(long, value_name = "A..B", value_parser = seeds, help_heading = PLAYED)]
    pub seeds: Option<RangeInclusive<u64>>,
    /// Play on your own cluster: one docker-compose.yml, or one zoo.cfg per server. Goes behind the scenarios
    #[arg(long, value_name = "FILE", num_args = 1.., action = clap::ArgAction::Append)]
    #[arg(value_hint = ValueHint::FilePath, help_heading = PLAYED)]
    pub cluster: Vec<PathBuf>,
    /// Play each seed twice and compare: exit code 4 if the two differ
    #[arg(long, help_heading = PLAYED)]
    pub twice: bool,
    /// So many runs at a time; what is told is the same [default: one per core]
    #[arg(long, short, value_name = "N", help_heading = PLAYED)]
    pub jobs: Option<NonZeroUsize>,
    /// One line for each scenario: its run, or how many of its seeds passed
    #[arg(long, short, help_heading = TOLD)]
    pub quiet: bool,
    /// One JSON object per run on stdout, and nothing else there
    #[arg(long, conflicts_with = "quiet", help_heading = TOLD)]
    pub json: bool,
    /// How what is wrong with files is told on stderr: text, or json (one object per line)
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = TOLD)]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    pub format: Format,
    /// Write every step of the run, with its causes, to this file (JSON lines); for one run only
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = TOLD)]
    pub trace: Option<PathBuf>,
}

const PLAYED: &str = "What is played";
const TOLD: &str = "What is told";

impl RunArgs {
    /// The seeds to play.
    pub fn seeds(&self) -> RangeInclusive<u64> {
        let one = self.seed.unwrap_or(1);
        self.seeds.clone().unwrap_or(one..=one)
    }

    /// How many runs each scenario has.
    pub fn runs_of_each(&self) -> u64 {
        let seeds = self.seeds();
        (seeds.end() - seeds.start()).saturating_add(1)
    }

    /// How many runs that makes.
    pub fn runs(&self) -> u64 {
        self.runs_of_each().saturating_mul(self.files.len() as u64)
    }

    /// Which scenario and which seed the run of this number has, counted from 0.
    pub fn run_of(&self, number: u64) -> (usize, u64) {
        let each = self.runs_of_each();
        ((number / each) as usize, self.seeds().start() + number % each)
    }

    /// How many are played at a time, at least 1.
    pub fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wished = self.jobs.map_or_else(cores, NonZeroUsize::get).min(JOBS_MAX);
        usize::try_from(self.runs()).unwrap_or(JOBS_MAX).min(wished)
    }
}

/// More threads than this only wait for each other.
const JOBS_MAX: usize = 256;

/// `A..B` or `A..=B`, both ends included.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (from, to) =
        text.split_once("..").ok_or("write two numbers, as in 1..50; one alone is --seed")?;
    let number = |text: &str| {
        text.trim().parse::<u64>().map_err(|_| format!("`{text}` is not a seed; write 1..50"))
    };
    let (from, to) = (number(from)?, number(to.strip_prefix('=').unwrap_or(to))?);
    if from > to {
        return Err(format!("{from}..{to} is empty; write the smaller seed first"));
    }
    Ok(from..=to)
}

const UP_EXAMPLES: &str = "\
Examples:
  rehearsal up
      three servers and three brokers on free ports; addresses and folders are printed
  rehearsal up --brokers 0 --port 2181 --data ./zk
      ZooKeeper alone on ports 2181, 2182 and 2183, with files that are there again the next time
  rehearsal up --kafka 2.5 --port 2181
      servers on 2181 to 2183, brokers of Kafka 2.5 on 2184 to 2186
  RUST_LOG=debug rehearsal up --zookeepers 1 --brokers 1
      with everything they say

It serves until Ctrl-C or SIGTERM.";

/// `rehearsal up`.
#[derive(Args, Debug)]
#[command(after_help = UP_EXAMPLES)]
pub struct UpArgs {
    /// How many ZooKeeper servers; one alone is a standalone server
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    pub zookeepers: u16,
    /// How many Kafka brokers; none for ZooKeeper alone
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=99))]
    pub brokers: u16,
    /// Which version of Kafka they behave as: 2.3, 2.5 or fixed
    #[arg(long, value_name = "VERSION", default_value = "fixed")]
    pub kafka: String,
    /// Where servers and brokers keep their files [default: a new folder among the temporary ones]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
    /// The first server's port for clients; the other servers follow, then the brokers [default: free ports]
    #[arg(long, value_name = "BASE", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}
