//! A cluster as it really is: played for a minute without failures and looked at with the eyes of an omniscient observer; and
//! beside it where every setting comes from.

use reports::survey::{self, Island, Road, Survey};

use super::played::{Played, SECONDS};
use super::{Cluster, Finding, Severity, provenance, ways};

/// Plays a cluster that was read from these files, with this seed, and tells what came of it.
pub fn survey(cluster: &Cluster, files: &[String], seed: u64) -> Survey {
    let played = Played::of(cluster, seed);
    let roads = ways::roads(&played, cluster);
    let doors = ways::doors(&played, cluster);
    let chances = ways::chances(&played, cluster);
    let islands = played.islands(cluster);
    let brokers = played.brokers(cluster, &islands);
    let exits = played.exits(cluster);
    let mut survey = Survey {
        files: files.to_vec(),
        seed,
        seconds: SECONDS,
        truth: Vec::new(),
        islands,
        brokers,
        roads,
        doors,
        chances,
        exits,
        not_staged: cluster.not_staged.clone(),
        findings: cluster.findings.iter().map(finding).collect(),
        settings: provenance::sections(cluster),
        unread: cluster.unread.iter().map(unread).collect(),
        remarks: played.remarks(cluster),
    };
    survey.truth = truth(&survey);
    survey
}

fn finding(finding: &Finding) -> survey::Finding {
    let severity = match finding.severity {
        Severity::Error => survey::Severity::Error,
        Severity::Warning => survey::Severity::Warning,
        Severity::Information => survey::Severity::Information,
    };
    survey::Finding {
        rule: finding.rule.to_owned(),
        severity,
        at: finding.at.clone(),
        what: finding.what.clone(),
        help: finding.help.clone(),
    }
}

fn unread(unread: &super::Unread) -> survey::Unread {
    survey::Unread {
        node: unread.node.clone(),
        name: unread.name.clone(),
        value: unread.value.clone(),
        at: unread.at.clone(),
        why: unread.why.clone(),
    }
}

/// What it all comes to, in a few sentences.
fn truth(survey: &Survey) -> Vec<String> {
    let mut truth = vec![zookeeper(&survey.islands)];
    if !survey.brokers.is_empty() {
        truth.push(kafka(survey));
        truth.extend(ways(&survey.roads));
    }
    if let [_, _, ..] = survey.chances.as_slice() {
        truth.push(chances(survey));
    }
    truth
}

/// `zookeeper-1, zookeeper-2 and zookeeper-3`
fn listed<S: AsRef<str>>(names: &[S]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.as_ref().to_owned(),
        [others @ .., last] => {
            let others: Vec<&str> = others.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", others.join(", "), last.as_ref())
        }
    }
}

fn zookeeper(islands: &[Island]) -> String {
    let names = |island: &Island| -> Vec<String> {
        island.servers.iter().map(|server| server.name.clone()).collect()
    };
    let (serving, silent): (Vec<&Island>, Vec<&Island>) =
        islands.iter().partition(|island| island.serves);
    let mut text = match serving.as_slice() {
        [] => "ZooKeeper serves nobody.".to_owned(),
        [one] => match one.servers.as_slice() {
            [alone] => format!("ZooKeeper is one standalone server: {}.", alone.name),
            servers => {
                let leader = servers.iter().find(|server| server.state == "leads");
                let leader = leader.map_or("nobody", |leader| leader.name.as_str());
                format!("ZooKeeper is one ensemble of {} servers; {leader} leads.", servers.len())
            }
        },
        several => {
            let each: Vec<String> =
                several.iter().map(|island| names(island).join(" + ")).collect();
            let count = several.len();
            format!(
                "ZooKeeper is {count} islands that know nothing of each other: {}.",
                listed(&each)
            )
        }
    };
    let silent: Vec<String> = silent.into_iter().flat_map(names).collect();
    if !silent.is_empty() {
        text.push_str(&format!(" Not serving: {}.", listed(&silent)));
    }
    text
}

fn kafka(survey: &Survey) -> String {
    let clusters: Vec<(&Island, &survey::Cluster)> = survey
        .islands
        .iter()
        .flat_map(|island| island.clusters.iter().map(move |cluster| (island, cluster)))
        .filter(|(_, cluster)| !cluster.registered.is_empty())
        .collect();
    let who = |cluster: &survey::Cluster| -> String {
        let names: Vec<String> = cluster
            .registered
            .iter()
            .map(|one| match &one.node {
                Some(node) => format!("{node} (id {})", one.id),
                None => format!("somebody (id {})", one.id),
            })
            .collect();
        listed(&names)
    };
    let mut text = match clusters.as_slice() {
        [] => "No broker is registered: there is no Kafka cluster.".to_owned(),
        [(_, one)] => {
            let named = one.registered.iter().find(|broker| Some(broker.id) == one.controller);
            let controller = named.and_then(|broker| broker.node.as_deref()).unwrap_or("nobody");
            let count = match one.registered.len() {
                1 => "one broker".to_owned(),
                count => format!("{count} brokers"),
            };
            format!("Kafka is one cluster of {count}: {}; controller is {controller}.", who(one))
        }
        several => {
            let apart = several.iter().any(|(island, _)| island.number != several[0].0.number);
            let below = several.iter().any(|(_, one)| one.chroot != several[0].1.chroot);
            let each: Vec<String> = several
                .iter()
                .map(|(island, one)| {
                    let island =
                        if apart { format!(" on island {}", island.number) } else { String::new() };
                    let chroot = match one.chroot.as_str() {
                        _ if !below => String::new(),
                        "/" => " at the root".to_owned(),
                        chroot => format!(" below {chroot}"),
                    };
                    format!("{}{island}{chroot}", who(one))
                })
                .collect();
            format!(
                "Kafka is {} clusters that know nothing of each other: {}.",
                several.len(),
                each.join("; ")
            )
        }
    };
    let registered: Vec<&String> = clusters
        .iter()
        .flat_map(|(_, cluster)| cluster.registered.iter().filter_map(|one| one.node.as_ref()))
        .collect();
    let outside = survey.brokers.iter().filter(|broker| !registered.contains(&&broker.name));
    let outside: Vec<&str> = outside.map(|broker| broker.name.as_str()).collect();
    if !outside.is_empty() && !clusters.is_empty() {
        text.push_str(&format!(" Not in it: {}.", listed(&outside)));
    }
    text
}

fn ways(roads: &[Road]) -> Option<String> {
    let (own, others): (Vec<&Road>, Vec<&Road>) =
        roads.iter().filter(|road| !road.arrives).partition(|road| road.from == road.to);
    let mut sentences = Vec::new();
    if let Some(Road { from, to, address, finds, .. }) = others.first() {
        let all = roads.iter().filter(|road| road.from != road.to).count();
        sentences.push(format!(
            "Brokers do not find each other, on {} of {all} ways: {from} looks for {to} at {address} and \
             finds {finds}.",
            others.len(),
        ));
    }
    if !own.is_empty() {
        let names: Vec<&str> = own.iter().map(|road| road.from.as_str()).collect();
        let (verb, themselves) = match names.len() {
            1 => ("does", "itself at the address it advertises"),
            _ => ("do", "themselves at the addresses they advertise"),
        };
        sentences.push(format!("{} {verb} not even find {themselves}.", listed(&names)));
    }
    Some(sentences.join(" ")).filter(|text| !text.is_empty())
}

fn chances(survey: &Survey) -> String {
    let cases: Vec<String> = survey
        .chances
        .iter()
        .map(|chance| {
            let clusters = match chance.clusters {
                1 => "one cluster".to_owned(),
                count => format!("{count} clusters"),
            };
            format!("{clusters} in {} of {}", chance.cases, chance.of)
        })
        .collect();
    format!(
        "Each broker picks one of its ZooKeepers by chance, so this may come out differently at every \
         start: {} cases.",
        listed(&cases)
    )
}
