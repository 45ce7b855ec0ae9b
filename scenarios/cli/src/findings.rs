//! What is to be said about a cluster that came from people's own files: what it really is, and what is wrong with it. It is
//! played as it is; but a run on a cluster with an error in it never passes.

use std::path::PathBuf;

use reports::run::Run;
use reports::style::{Paint, Style};
use scenarios::cluster::{Cluster, Finding, Severity};
use scenarios::testing;

/// Everything about a cluster, for stderr; with `only_errors` no more than what keeps runs from passing.
pub fn told(files: &[PathBuf], cluster: &Cluster, only_errors: bool, style: &Style) -> String {
    let names: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    let mut text = style.wrapped("cluster ", &names.join(", "));
    if !only_errors {
        text.push_str(&style.wrapped("  ", &nature(cluster)));
    }
    for finding in &cluster.findings {
        if !only_errors || finding.severity == Severity::Error {
            text.push_str(&one(finding, style));
        }
    }
    if !only_errors {
        for reason in &cluster.not_staged {
            text.push_str(&style.wrapped("  not staged: ", reason));
        }
    }
    text.push('\n');
    text
}

fn one(finding: &Finding, style: &Style) -> String {
    let (word, paint) = match finding.severity {
        Severity::Error => ("error", Paint::Bad),
        Severity::Warning => ("warning", Paint::Unsure),
        Severity::Information => ("information", Paint::Dim),
    };
    let word = style.paint(paint, word);
    let mut text = format!("  {word} {} at {}\n", finding.rule, finding.at);
    text.push_str(&style.wrapped("    ", &finding.what));
    if !finding.help.is_empty() {
        text.push_str(&style.wrapped("    help: ", &finding.help));
    }
    text
}

/// What the servers are together: one ensemble, or each for itself.
pub fn nature(cluster: &Cluster) -> String {
    let (mut alone, mut members, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for server in &cluster.zookeepers {
        let config = server.config(server.preset, server.preset.mechanisms());
        let group = match config {
            _ if server.never_starts.is_some() => &mut absent,
            Ok((config, _)) if config.is_standalone() => &mut alone,
            Ok(_) => &mut members,
            Err(_) => &mut absent,
        };
        group.push(server.name.as_str());
    }
    let mut parts = Vec::new();
    match (alone.len(), members.len()) {
        (0, _) => {}
        (1, _) => parts.push(format!("one standalone server: {}", alone[0])),
        (count, _) => {
            let names = alone.join(", ");
            parts.push(format!("{count} standalone servers, not one ensemble: {names}"));
        }
    }
    if !members.is_empty() {
        let (count, names) = (members.len(), members.join(", "));
        parts.push(format!("{count} servers that were told of others: {names}"));
    }
    if !absent.is_empty() {
        parts.push(format!("never start: {}", absent.join(", ")));
    }
    parts.join("; ")
}

/// Whether something in the cluster's files keeps every run from passing.
pub fn has_error(cluster: &Cluster) -> bool {
    cluster.findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// Puts the errors of the cluster's files before everything else that was broken: a run on them cannot pass.
pub fn judge(run: &mut Run, cluster: &Cluster) {
    if !has_error(cluster) {
        return;
    }
    testing::convict(run, cluster);
    run.remarks.insert(0, format!("the cluster's files: {}", nature(cluster)));
}
