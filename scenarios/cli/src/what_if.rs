//! `rehearsal what-if`: a question about somebody's own cluster. What it means and how it is answered is known in
//! `scenarios::what_if`; here are its arguments, and the printing.

use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use machine::Duration;
use reports::run::Verdict;
use scenarios::cluster::{Cluster, Severity};
use scenarios::script::kafka::client::Acks;
use scenarios::what_if::{self, Answer, How, Question, TopicWish, Unanswerable};

use crate::Exit;
use crate::load::Problem;
use crate::players::STACK;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  rehearsal what-if docker-compose.yml --lose \"zk-2, zk-3\"
      two of three ZooKeepers die: what stops, what goes on, what is lost, which setting decides
  rehearsal what-if docker-compose.yml --lose \"zk-2, zk-3\" --then \"leader(orders-0)\"
      and then the broker that leads orders-0
  rehearsal what-if docker-compose.yml --lose \"leader(orders-0)\" --acks 1
      a producer that does not wait for the followers
  rehearsal what-if cluster.toml --lose \"any 2 of brokers\" --how power-loss --back 60s
      two brokers lose their power and have it back after a minute
  rehearsal what-if docker-compose.yml --host \"h2=zk-2,kafka-2\" --lose \"host(h2)\" --keep h2.toml
      a machine with both; the scenario goes into a file, for `rehearsal run` and your own changes

Who is lost is said as in scenarios: names, `zk-*`, `any 2 of zk-*`, `zk.leader`, `controller`,
`leader(orders-0)`, `isr(orders-0)`, `host(h2)`, several with commas. Your n-th server is also called
`zk-n`, your n-th broker `kafka-n`.";

const CODES: &str = "\
Exit codes:
  0  answered
  1  answered, and the files have errors, or a guarantee was broken
  2  answered, and something did not work before the loss already
  3  the question, the files or the command line cannot be used";

/// `rehearsal what-if`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub struct WhatIfArgs {
    /// Your cluster's files, or one TOML file with a `[cluster]`
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Who is lost
    #[arg(long, value_name = "WHO")]
    pub lose: String,
    /// Who is lost after that; may be given several times
    #[arg(long, value_name = "WHO")]
    pub then: Vec<String>,
    /// How they are lost: kill, stop, power-loss, pause or isolate
    #[arg(long, value_name = "HOW", default_value = "kill", value_parser = how)]
    pub how: How,
    /// They come back so long after the first loss [default: never]
    #[arg(long, value_name = "SPAN", value_parser = what_if::span)]
    pub back: Option<Duration>,
    /// Replication between brokers stands still for so long before the loss
    #[arg(long, value_name = "SPAN", value_parser = what_if::span)]
    pub behind: Option<Duration>,
    /// How long to look on [default: by the time-outs of the cluster]
    #[arg(long = "for", value_name = "SPAN", value_parser = what_if::span)]
    pub watched: Option<Duration>,
    /// The topic: NAME, or NAME:PARTITIONS:REPLICATION-FACTOR:MIN-ISR [default: the first of the cluster, or orders:3:3:2]
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<TopicWish>,
    /// What the producer waits for: all, 1 or 0
    #[arg(long, value_name = "ACKS", default_value = "all", value_parser = acks)]
    pub acks: Acks,
    /// A machine that carries several nodes, as in h1=zk-1,kafka-1; may be given several times
    #[arg(long, value_name = "NAME=NODES", value_parser = host)]
    pub host: Vec<(String, String)>,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many runs, with one seed after the other
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub runs: u64,
    /// Write the scenario to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// One JSON object on stdout, and nothing else there
    #[arg(long)]
    pub json: bool,
}

fn how(text: &str) -> Result<How, String> {
    let all = How::ALL.map(How::verb).join(", ");
    How::named(text).ok_or_else(|| format!("there is {all}"))
}

fn acks(text: &str) -> Result<Acks, String> {
    match text {
        "all" | "-1" => Ok(Acks::All),
        "1" => Ok(Acks::Leader),
        "0" => Ok(Acks::None),
        _ => Err("there is all, 1 and 0".to_owned()),
    }
}

fn host(text: &str) -> Result<(String, String), String> {
    let (name, nodes) = text.split_once('=').ok_or("write it as in h1=zk-1,kafka-1")?;
    Ok((name.trim().to_owned(), nodes.trim().to_owned()))
}

/// Answers the question.
pub fn what_if(args: &WhatIfArgs) -> Exit {
    match answered(args) {
        Ok(exit) => exit,
        Err(problem) => {
            problem.tell();
            Exit::Broken
        }
    }
}

fn answered(args: &WhatIfArgs) -> Result<Exit, Problem> {
    let ground = what_if::read(&args.files).map_err(Problem::Files)?;
    errors(&ground.cluster);
    let question = question(args);
    let folder = args.keep.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let stem = args.keep.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str());
    let name = stem.map_or_else(|| what_if::name_of(&question), str::to_owned);
    let ask = || what_if::answer(&question, &ground, folder, &name, &mut |_| ());
    let player = thread::Builder::new().name("player".to_owned()).stack_size(STACK);
    let answer = thread::scope(|scope| {
        player.spawn_scoped(scope, ask).expect("the system has room for one more thread").join()
    });
    let Ok(answer) = answer else {
        terminal::complain("the simulator itself panicked: a defect of its own", None);
        return Ok(Exit::Panicked);
    };
    let answer = answer.map_err(|why| match why {
        Unanswerable::Files(all) => Problem::Files(all),
        Unanswerable::Words { what, help } => {
            Problem::Words { what, help: Some(help).filter(|help| !help.is_empty()) }
        }
    })?;
    if let Some(path) = &args.keep {
        std::fs::write(path, &answer.scenario).map_err(|error| Problem::Words {
            what: format!("cannot write the scenario to `{}`: {error}", path.display()),
            help: None,
        })?;
    }
    show(args, &answer);
    Ok(match answer.verdict {
        Verdict::Fail => Exit::Fail,
        _ if !answer.never_began.is_empty() => Exit::Inconclusive,
        _ => Exit::Pass,
    })
}

fn question(args: &WhatIfArgs) -> Question {
    let lose = std::iter::once(&args.lose).chain(&args.then).cloned().collect();
    let words: Vec<String> =
        std::env::args().skip(1).map(|word| crate::again::quoted(&word)).collect();
    Question {
        lose,
        how: args.how,
        back: args.back,
        behind: args.behind,
        watched: args.watched,
        topic: args.topic.clone(),
        acks: args.acks,
        hosts: args.host.clone(),
        seeds: args.seed..=args.seed.saturating_add(args.runs - 1),
        asked: format!("rehearsal {}", words.join(" ")),
    }
}

/// What is wrong with the files, in few words: `rehearsal run` and other commands say it at length.
fn errors(cluster: &Cluster) {
    for finding in cluster.findings.iter().filter(|one| one.severity == Severity::Error) {
        let what = format!("{} at {}: {}", finding.rule, finding.at, finding.what);
        terminal::complain(&what, Some(finding.help.as_str()).filter(|help| !help.is_empty()));
    }
}

fn show(args: &WhatIfArgs, answer: &Answer) {
    if args.json {
        let json = serde_json::to_string(answer).expect("an answer has only words and numbers");
        terminal::print(&format!("{json}\n"));
        return;
    }
    terminal::print(&answer.told(&terminal::out()));
    match &args.keep {
        None => {
            terminal::print(&format!("\n{}", answer.scenario));
        }
        Some(path) => {
            let path = crate::again::quoted(&path.display().to_string());
            terminal::say(&format!("\nkept: rehearsal run {path}\n"));
        }
    }
}
