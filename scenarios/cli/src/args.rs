//! The command line: what can be asked for, and the help that says so.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cluster::ClusterArgs;

/// Rehearse the failures of a Kafka cluster on ZooKeeper before they happen.
///
/// Real servers' logic runs in a simulated world: the same seed always gives the same run, minutes pass in milliseconds, and
/// every guarantee is checked after every step.
#[derive(Debug, Parser)]
#[command(name = "rehearsal", version, max_term_width = 100, after_help = CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play scenarios and say whether all that was promised held
    Run(RunArgs),
    /// Show the cluster your files really make, what is wrong with it, and where its settings come from
    Cluster(ClusterArgs),
    /// Show the scenarios that come with this command
    List,
    /// Start a real ensemble on this computer, for your own client to talk to
    Up(UpArgs),
}

const CODES: &str = "\
Exit codes:
  0  all runs passed
  1  a check or an expectation failed
  2  nothing failed, but something could not be judged
  3  a scenario, a cluster's files or the command line cannot be used
  4  a run was not deterministic (with --twice)";

const RUN_EXAMPLES: &str = "\
Examples:
  rehearsal run lose-two-of-three-zookeepers
      a scenario of the library (`rehearsal list` shows them), with seed 1
  rehearsal run my-scenario.toml --seeds 1..50
      fifty runs of your own, summed up
  rehearsal run lose-the-leader --cluster docker-compose.yml
      on the ZooKeeper servers of your compose file, mistakes included
  rehearsal run lose-the-leader --cluster zk-1/zoo.cfg zk-2/zoo.cfg zk-3/zoo.cfg
      on the servers that these files configure
  rehearsal run lose-the-leader --seed 7 --json | jq .outages
      for programs: one JSON object per line and run, times in seconds

The verdict comes first; below it is why, the timeline, and the command that plays it again.";

/// `rehearsal run`.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES, after_long_help = format!("{RUN_EXAMPLES}\n\n{CODES}"))]
pub struct RunArgs {
    /// Scenario files, or names from the library
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
    /// The seed: all chance of a run is drawn from it [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Several seeds: 1..50 is fifty runs, 50 included
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<RangeInclusive<u64>>,
    /// Play on your own cluster: one docker-compose.yml, or one zoo.cfg per server. Goes behind the scenarios
    #[arg(long, value_name = "FILE", num_args = 1.., action = clap::ArgAction::Append)]
    pub cluster: Vec<PathBuf>,
    /// Write every step of the run, with its causes, to this file (JSON lines); for one run only
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Play each seed twice and compare: exit code 4 if the two differ
    #[arg(long)]
    pub twice: bool,
    /// One JSON object per run on stdout, and nothing else there
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,
    /// One line per run
    #[arg(long, short)]
    pub quiet: bool,
}

impl RunArgs {
    /// The seeds to play.
    pub fn seeds(&self) -> RangeInclusive<u64> {
        let one = self.seed.unwrap_or(1);
        self.seeds.clone().unwrap_or(one..=one)
    }

    /// How many runs that makes.
    pub fn runs(&self) -> u64 {
        let seeds = self.seeds();
        let each = (seeds.end() - seeds.start()).saturating_add(1);
        each.saturating_mul(self.files.len() as u64)
    }
}

/// `A..B` or `A..=B`, both ends included.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("write two numbers, as in 1..50")?;
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
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The first server's port for clients; the other servers follow, then the brokers [default: free ports]
    #[arg(long, value_name = "BASE", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}
