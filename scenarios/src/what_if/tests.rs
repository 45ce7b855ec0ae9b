//! Questions and their answers, as a person would read them; and that the scenario to keep says the same.

use std::path::Path;

use reports::run::Verdict;
use reports::style::Style;

use super::{Answer, Question, answer, name_of, of_toml};

/// Three brokers and three servers, as the corrected files of people have them.
const THREE: &str = r#"
[cluster]
zookeeper = 3
brokers   = 3
kafka     = "2.5"
topics    = [{ name = "orders", partitions = 3, replication-factor = 3, min-insync-replicas = 2 }]
"#;

fn ask(cluster: &str, question: &Question) -> Answer {
    let ground = of_toml(cluster, Path::new("cluster.toml")).expect("the cluster can be read");
    let name = name_of(question);
    answer(question, &ground, Path::new(""), &name, &mut |_| ()).expect("it can be asked")
}

fn lose(who: &[&str]) -> Question {
    let lose = who.iter().map(|who| (*who).to_owned()).collect();
    Question { lose, seeds: 1..=2, ..Question::default() }
}

#[test]
fn two_of_three_zookeepers() {
    let answer = ask(THREE, &lose(&["zk-2, zk-3"]));
    println!("{}\n{}", answer.told(&Style::default()), answer.scenario);
    assert_eq!(answer.verdict, Verdict::Pass);
}
