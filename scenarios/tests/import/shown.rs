//! Imported clusters and diagnostics as text.

use std::fmt::Write;

use scenarios::cluster::{Broker, Cluster, Property, Unread};
use scenarios::diagnostic::Diagnostic;
use scenarios::import::{self, Source};

/// A cluster with everything that is said about it, or why there is none.
pub fn shown(imported: Result<Cluster, Vec<Diagnostic>>) -> String {
    let mut text = String::new();
    match imported {
        Ok(cluster) => staged(&mut text, &cluster)
            .and_then(|()| unread(&mut text, &cluster))
            .and_then(|()| findings(&mut text, &cluster))
            .expect("a String takes everything"),
        Err(found) => diagnostics(&mut text, found).expect("a String takes everything"),
    }
    text
}

/// Imports these files from memory.
pub fn imported_from(sources: &[Source]) -> String {
    shown(import::cluster_of(sources))
}

/// Imports one compose file from memory.
pub fn compose(text: &str) -> String {
    imported_from(&[file(text)])
}

/// Only what is said about one compose file, and who does not start.
pub fn said(text: &str) -> String {
    let mut said = String::new();
    match import::cluster_of(&[file(text)]) {
        Ok(cluster) => {
            for zk in &cluster.zookeepers {
                if let Some(why) = &zk.never_starts {
                    writeln!(said, "{} never starts: {why}", zk.name).expect("as above");
                }
            }
            for broker in &cluster.brokers {
                if let Some(why) = &broker.never_starts {
                    writeln!(said, "{} never starts: {why}", broker.name).expect("as above");
                }
            }
            for reason in &cluster.not_staged {
                writeln!(said, "not staged: {reason}").expect("as above");
            }
            findings(&mut said, &cluster).expect("a String takes everything");
        }
        Err(found) => diagnostics(&mut said, found).expect("a String takes everything"),
    }
    said
}

fn file(text: &str) -> Source {
    Source { name: "docker-compose.yml".to_owned(), text: text.to_owned() }
}

fn staged(text: &mut String, cluster: &Cluster) -> std::fmt::Result {
    writeln!(text, "connect {}", cluster.connect)?;
    for host in &cluster.hosts {
        write!(text, "host {}", host.name)?;
        for network in &host.networks {
            write!(text, " on {} as {}", network.name, network.aliases.join(" "))?;
        }
        writeln!(text)?;
    }
    for zk in &cluster.zookeepers {
        let myid = zk.myid.as_ref().map_or("-", |myid| &*myid.value);
        let syntax = zk.syntax;
        writeln!(text, "{} on {} myid {myid} runs {} {syntax:?}", zk.name, zk.host, zk.preset)?;
        if let Some(why) = &zk.never_starts {
            writeln!(text, "  never starts: {why}")?;
        }
        for property in &zk.properties {
            writeln!(text, "  {}={}  ({})", property.key, property.value, property.from)?;
        }
    }
    for broker in &cluster.brokers {
        shown_broker(text, broker, cluster.brokers.first())?;
    }
    for topic in &cluster.topics {
        let (name, partitions) = (&topic.name, topic.partitions);
        let (factor, config) = (topic.replication_factor, &topic.config);
        write!(text, "topic {name} {partitions} x {factor} {config:?}")?;
        for (partition, replicas) in &topic.assignment {
            write!(text, " {partition}:{replicas:?}")?;
        }
        writeln!(text)?;
    }
    for reason in &cluster.not_staged {
        writeln!(text, "not staged: {reason}")?;
    }
    Ok(())
}

/// A broker with all its settings; of later ones only what the first does not have too.
fn shown_broker(text: &mut String, broker: &Broker, first: Option<&Broker>) -> std::fmt::Result {
    writeln!(text, "{} on {} runs {}", broker.name, broker.host, broker.preset)?;
    writeln!(text, "  clients look for it at {}", broker.client_address())?;
    if let Some(why) = &broker.never_starts {
        writeln!(text, "  never starts: {why}")?;
    }
    let first = first.filter(|first| first.name != broker.name);
    for property in &broker.properties {
        let same = |other: &Property| other.key == property.key && other.value == property.value;
        if first.is_none_or(|first| !first.properties.iter().any(same)) {
            writeln!(text, "  {}={}  ({})", property.key, property.value, property.from)?;
        }
    }
    Ok(())
}

fn unread(text: &mut String, cluster: &Cluster) -> std::fmt::Result {
    for unread in &cluster.unread {
        let Unread { node, name, value, at, why } = unread;
        writeln!(text, "unread {at} {node} {name}={value}: {why}")?;
    }
    Ok(())
}

fn findings(text: &mut String, cluster: &Cluster) -> std::fmt::Result {
    for finding in &cluster.findings {
        writeln!(text, "{:?} {} {}: {}", finding.severity, finding.rule, finding.at, finding.what)?;
        writeln!(text, "  help: {}", finding.help)?;
    }
    Ok(())
}

fn diagnostics(text: &mut String, found: Vec<Diagnostic>) -> std::fmt::Result {
    for found in found {
        let (line, column) = found.line_column();
        let place = &found.source[found.span.clone()];
        writeln!(text, "{} line {line} column {column}: {found}", found.code)?;
        writeln!(text, "  at {place:?} ({})", found.label)?;
        writeln!(text, "  help: {}", found.help.unwrap_or_default())?;
    }
    Ok(())
}
