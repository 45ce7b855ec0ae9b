//! Promises that no run can keep for another reason than their condition: they end before what they are about is there
//! (W0606), name marks that do not exist (W0607), or need more replicas than a topic has (W0608).

use super::{Stage, is_within};
use crate::script::action::Deed;
use crate::script::kafka::admin::Command;
use crate::script::phrase::MentionKind;
use crate::script::problems::Problems;

/// What `sometimes` can name: the marks that notes of nodes and clients leave.
pub const MARKS: [&str; 32] = [
    "elected",
    "leader-established",
    "truncated",
    "snapshot-installed",
    "snapshot-taken",
    "synchronised-by-diff",
    "synchronised-by-trunc",
    "synchronised-by-snap",
    "session-expired",
    "refused-to-start",
    "client-refused",
    "role-lost",
    "client-expired",
    "session-resumed",
    "watch-fired",
    "connection-loss",
    "controller-elected",
    "controller-resigned",
    "unclean-election",
    "preferred-election",
    "leader-elected",
    "replica-truncated",
    "isr-write-refused",
    "partition-frozen",
    "handlers-exhausted",
    "control-request-refused",
    "corrupt-records",
    "log-dir-failed",
    "produce-retried",
    "produce-given-up",
    "position-reset",
    "corrupt-batch-seen",
];

pub(super) fn check(stage: &Stage<'_>, problems: &mut Problems) {
    check_topics_to_come(stage, problems);
    check_marks(stage, problems);
    check_min_insync(stage, problems);
}

fn check_topics_to_come(stage: &Stage<'_>, problems: &mut Problems) {
    let expect = &stage.script.expect;
    let always = expect.always.iter().map(|one| (&one.that, &one.window));
    let eventually = expect.eventually.iter().map(|one| (&one.that, &one.window));
    for (that, window) in eventually.chain(always) {
        let Some((_, ends)) = stage.dates.range(&window.value.to) else { continue };
        for mention in &expect.mentions {
            if !is_within(&mention.span, &that.span) {
                continue;
            }
            let topic = match mention.kind {
                MentionKind::Topic => mention.name.as_str(),
                MentionKind::Partition => {
                    mention.name.rsplit_once('-').map_or("", |(topic, _)| topic)
                }
                _ => continue,
            };
            if stage.cluster.topics.iter().any(|there| there.name == topic) {
                continue;
            }
            let creating = |step: &&crate::script::step::Step| match &step.action.deed {
                Deed::Admin(admin) => {
                    matches!(&admin.command, Command::CreateTopic(new) if new.name == topic)
                }
                _ => false,
            };
            let mut steps = stage.script.steps.iter().filter(creating);
            let is_late = |step: &crate::script::step::Step| {
                stage.dates.of_step(&step.id.value).is_some_and(|(from, _)| from > ends)
            };
            if let Some(first) = steps.next()
                && is_late(first)
                && steps.all(is_late)
            {
                let message = format!("this ends before there is a topic `{topic}`");
                let report = problems.warn("W0606", &window.span, message).label("too early");
                report.also(&mention.span, "about this topic").also(&first.span, "created here");
            }
        }
    }
}

fn check_marks(stage: &Stage<'_>, problems: &mut Problems) {
    for mark in &stage.script.expect.sometimes {
        if !MARKS.contains(&mark.value.as_str()) {
            let message = format!("there is no mark `{}`", mark.value);
            let report = problems.warn("W0607", &mark.span, message).label("unknown mark");
            report.suggest(&mark.value, MARKS);
        }
    }
}

/// The brokers' `min.insync.replicas`, where a topic has none of its own.
fn check_min_insync(stage: &Stage<'_>, problems: &mut Problems) {
    const KEY: &str = "min.insync.replicas";
    let kafka = &stage.script.ensemble.kafka;
    let Some(written) = kafka.config.get(KEY) else { return };
    let Ok(needed) = written.value.parse::<i16>() else { return };
    for topic in &kafka.topics {
        if !topic.value.config.contains_key(KEY) && topic.value.replication_factor < needed {
            let (name, there) = (&topic.value.name, topic.value.replication_factor);
            let message = format!(
                "{needed} in-sync replicas of {there}: nobody could write to `{name}` with acks=all"
            );
            let report = problems.warn("W0608", &topic.span, message);
            let report = report.label(format!("replicas: {there}"));
            report.also(&written.span, "for every topic").help("raise `replication-factor`");
        }
    }
}
