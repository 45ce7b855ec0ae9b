//! Steps that change nothing: what undoes what was not done (W0603), victims of the future (W0604), topics that will be
//! refused (W0605).

use std::collections::BTreeSet;

use super::{Stage, is_within};
use crate::script::action::{Deed, DiskDeed};
use crate::script::ensemble::{ServerLists, Source};
use crate::script::kafka::admin::Command;
use crate::script::phrase::MentionKind;
use crate::script::problems::{Problems, Span};
use crate::script::step::{Step, When};

pub(super) fn check(stage: &Stage<'_>, problems: &mut Problems) {
    for step in &stage.script.steps {
        if !check_victims(step, stage, problems) {
            check_undone(step, stage, problems);
        }
        check_topic(step, stage, problems);
    }
}

/// Where a step says whom it is about: the first name that is not part of its time.
fn place(step: &Step) -> &Span {
    let time = match &step.when {
        When::At { span, .. } => Some(span),
        When::Condition { that, .. } => Some(&that.span),
        When::Every { .. } => None,
    };
    let of_time = |span: &Span| time.is_some_and(|time| is_within(span, time));
    let mut who = step.mentions.iter().filter(|one| one.kind != MentionKind::Step);
    who.find(|one| !of_time(&one.span)).map_or(&step.span, |one| &one.span)
}

/// Whether it complained.
fn check_victims(step: &Step, stage: &Stage<'_>, problems: &mut Problems) -> bool {
    let mut complained = false;
    for mention in &step.mentions {
        if !matches!(mention.kind, MentionKind::StepWithVictims | MentionKind::StepWithPeers) {
            continue;
        }
        let Some(other) = stage.step(&mention.name) else { continue };
        let of_when = matches!(&step.when, When::Condition { that, .. } if is_within(&mention.span, &that.span));
        let is_self = other.id.value == step.id.value && !matches!(step.when, When::Every { .. });
        if is_self || stage.dates.is_later(other, step) {
            let (message, label) = match of_when {
                true => ("this step waits for one that comes after it", "it has picked nobody yet"),
                false => ("the victims of a step that has not happened yet", "nobody yet"),
            };
            let report = problems.warn("W0604", &mention.span, message).label(label);
            report
                .also(&other.span, "this comes later")
                .help("let it happen earlier, or name the nodes");
            complained = true;
        }
    }
    complained
}

/// What was done before, in words, and whether a deed does it.
type Undone = (&'static str, fn(&Deed) -> bool);

/// What a deed undoes.
fn undone(deed: &Deed) -> Option<Undone> {
    Some(match deed {
        Deed::Restart => ("stopped", |other| {
            other.takes_nodes_away() && !matches!(other, Deed::Pause | Deed::Isolate)
                || matches!(other, Deed::Disk(_))
        }),
        Deed::Resume => ("paused", |other| matches!(other, Deed::Pause)),
        Deed::Rejoin => ("isolated", |other| matches!(other, Deed::Isolate)),
        Deed::Heal | Deed::HealAll => {
            ("cut off", |other| matches!(other, Deed::Cut { .. } | Deed::Isolate))
        }
        Deed::Disk(DiskDeed::Resume) => {
            ("stalled", |other| matches!(other, Deed::Disk(DiskDeed::Stall)))
        }
        Deed::Disk(DiskDeed::Freed) => {
            ("filled", |other| matches!(other, Deed::Disk(DiskDeed::Full { .. })))
        }
        Deed::Disk(DiskDeed::Mend) => ("broken", |other| {
            matches!(other, Deed::Disk(DiskDeed::FailWrites | DiskDeed::FailSyncs))
        }),
        _ => return None,
    })
}

fn check_undone(step: &Step, stage: &Stage<'_>, problems: &mut Problems) {
    let Some((what, does)) = undone(&step.action.deed) else { return };
    let is_restart = step.action.deed == Deed::Restart;
    let mut mine = both_sides(step, stage);
    if is_restart && may_exit_by_itself(&mine, stage) {
        return;
    }
    if is_restart && mine.iter().any(|node| stage.names.brokers.contains(node)) {
        // A broker that finds no ZooKeeper at its start exits.
        mine.extend(stage.names.servers.iter().cloned());
    }
    let everybody = step.action.deed == Deed::HealAll;
    let may_have_done = |other: &Step| {
        does(&other.action.deed)
            && !stage.dates.is_later(other, step)
            && (everybody || !both_sides(other, stage).is_disjoint(&mine))
    };
    if stage.script.steps.iter().any(may_have_done) {
        return;
    }
    let message =
        format!("nothing here was {what} before: step `{}` changes nothing", step.id.value);
    let report = problems.warn("W0603", place(step), message).label(format!("never {what} before"));
    let mut doing = stage.script.steps.iter().filter(|other| does(&other.action.deed));
    if let Some(other) = doing.next() {
        let late = stage.dates.is_later(other, step);
        report.also(place(other), format!("{what} {}", if late { "later" } else { "here" }));
    }
}

/// Whether files or settings may keep one of these from running: what they make of nodes, nobody knows before.
fn may_exit_by_itself(nodes: &BTreeSet<String>, stage: &Stage<'_>) -> bool {
    let ensemble = &stage.script.ensemble;
    let Source::Inline { lists, .. } = &ensemble.source else { return true };
    // A broker whose id or address another one has refuses to start.
    let shared = ["broker.id", "listeners", "advertised.listeners"];
    let is_shared = shared.iter().any(|key| ensemble.kafka.config.contains_key(*key));
    let has_broker = nodes.iter().any(|node| stage.names.brokers.contains(node));
    has_broker && is_shared || !ensemble.config.is_empty() || *lists != ServerLists::Correct
}

/// Everybody a step can be about.
fn both_sides(step: &Step, stage: &Stage<'_>) -> BTreeSet<String> {
    let mut nodes = stage.candidates(&step.action.who);
    if let Some(to) = &step.action.to {
        nodes.extend(stage.candidates(to));
    }
    if step.action.deed == Deed::PowerLoss {
        let hosts = stage.names.hosts.values();
        let hit = hosts.filter(|on| on.iter().any(|node| nodes.contains(node)));
        let with: Vec<String> = hit.flatten().cloned().collect();
        nodes.extend(with);
    }
    nodes
}

fn check_topic(step: &Step, stage: &Stage<'_>, problems: &mut Problems) {
    let Deed::Admin(admin) = &step.action.deed else { return };
    let Command::CreateTopic(topic) = &admin.command else { return };
    let brokers = stage.cluster.brokers.len();
    let wanted = topic.replication_factor;
    let is_expected = admin.expect_exit.is_some_and(|code| code != 0) || !admin.prints.is_empty();
    if !is_expected && usize::try_from(wanted).is_ok_and(|wanted| wanted > brokers) {
        let name = &topic.name;
        let message = format!("topic `{name}` wants {wanted} replicas of {brokers} brokers");
        let report = problems.warn("W0605", &step.span, message).label("it will not be created");
        report.help("lower `replication-factor`, or expect it with `expect-exit = 1`");
    }
}
