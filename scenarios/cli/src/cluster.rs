//! `rehearsal cluster`: the cluster as it will really be, what is wrong with it, and where every setting comes from.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use reports::survey;
use scenarios::cluster::Cluster;
use scenarios::cluster::survey::survey;

use crate::Exit;
use crate::load::{self, Problem};
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal cluster docker-compose.yml
      what it will really be: who is in one ensemble with whom, who registers where, who exits and why
  rehearsal cluster zk-1/zoo.cfg zk-2/zoo.cfg zk-3/zoo.cfg
      the servers that these files configure
  rehearsal cluster docker-compose.yml --all
      with all settings, those that nobody set as well
  rehearsal cluster docker-compose.yml --json | jq '.findings[].rule'
      one JSON object with everything

Exit codes:
  0  nothing in the files keeps it from working
  1  something does: a finding of severity error
  3  the files cannot be used";

/// `rehearsal cluster`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ClusterArgs {
    /// A docker-compose.yml, configuration files of servers and brokers, or a scenario for its own cluster
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// All settings, also those that nobody set
    #[arg(long)]
    pub all: bool,
    /// One JSON object on stdout, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// The seed: which of its ZooKeepers a broker picks is chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Tells what the files make.
pub fn cluster(args: &ClusterArgs) -> Exit {
    let cluster = match read(&args.files) {
        Ok(cluster) => cluster,
        Err(problem) => {
            problem.tell();
            return Exit::Broken;
        }
    };
    let files: Vec<String> = args.files.iter().map(|file| file.display().to_string()).collect();
    let survey = survey(&cluster, &files, args.seed);
    let text = match args.json {
        true => format!("{}\n", survey::json(&survey)),
        false => survey::text::render(&survey, args.all, &terminal::out()),
    };
    terminal::print(&text);
    if survey.has_error() { Exit::Fail } else { Exit::Pass }
}

/// The cluster of the files, or that of a scenario.
fn read(files: &[PathBuf]) -> Result<Cluster, Problem> {
    if let [only] = files
        && only.extension() == Path::new("a.toml").extension()
    {
        return Ok(load::scene(&only.display().to_string(), None)?.cluster);
    }
    let cluster = load::cluster(files)?;
    cluster.ok_or_else(|| Problem::Words { what: "no files are given".to_owned(), help: None })
}
