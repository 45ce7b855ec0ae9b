//! One step of the timeline: when, what, for how long.

use machine::Duration;

use super::Phrased;
use super::action::Action;
use super::condition::{self, Condition};
use super::fields::{Fields, Text, Value};
use super::phrase::Mention;
use super::problems::{Located, Problems, Span};
use super::time::{self, Moment, Window};
use super::verb;

/// One step as its author wrote it.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name: given, or `step-3` for the third step.
    pub id: Located<String>,
    /// When it happens.
    pub when: When,
    /// What it does.
    pub action: Action,
    /// After which time it is undone.
    pub lasts: Option<Located<Duration>>,
    /// The names it mentions.
    pub mentions: Vec<Mention>,
    /// Where the step is written.
    pub span: Span,
}

/// When a step happens.
#[derive(Clone, Debug)]
pub enum When {
    /// `at`: once, at an instant that is drawn from the window.
    At {
        /// The window; usually one point.
        window: Window,
        /// Where it is written.
        span: Span,
    },
    /// `every`: again and again.
    Every {
        /// How often.
        period: Located<Duration>,
        /// The first time (`starting`): after one period, if not said.
        first: Moment,
        /// How often in all (`times`); until the end, if not said.
        times: Option<u64>,
    },
    /// `when`: as soon as something is true.
    Condition {
        /// What.
        that: Phrased<Condition>,
        /// How long after it became true (`after`).
        after: Duration,
        /// How often it may fire (`times`): each time the condition becomes true again.
        times: u64,
    },
}

/// Reads one step; `number` counts from 1.
pub fn read(value: Value<'_>, number: usize, problems: &mut Problems) -> Option<Step> {
    let mut fields = Fields::at(value, "a step", problems)?;
    let id = match fields.text("id", problems) {
        Some(id) => Located { value: id.value, span: id.span },
        None => Located { value: format!("step-{number}"), span: value.span() },
    };
    let mut mentions = Vec::new();
    let when = read_when(&mut fields, &mut mentions, problems);
    let lasts = fields.duration("for", problems);
    let verb = fields.key_text("do");
    // Where the verb cannot be read its other keys cannot be judged: what is wrong with it has been
    // said.
    let (action, mut names) = verb::action(&mut fields, problems)?;
    if let Some(lasts) = &lasts
        && action.undo(&id.value).is_none()
    {
        let message = format!("`{verb}` cannot be undone, so it has no `for`");
        let report = problems.add("E0404", &lasts.span, message);
        report.also(&fields.value_span("do"), "this").help("leave `for` out");
    }
    fields.finish(problems);
    mentions.append(&mut names);
    Some(Step { id, when: when?, action, lasts, mentions, span: value.span() })
}

fn read_when(
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<When> {
    let written: Vec<_> =
        ["at", "every", "when"].into_iter().filter(|key| fields.has(key)).collect();
    let at = fields.text("at", problems);
    let every = fields.duration("every", problems);
    let when = fields.text("when", problems);
    if written.len() > 1 {
        let named = written.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
        let span = fields.key_span(written[1]);
        let message = format!("a step has one time, this one has {named}");
        let report = problems.add("E0405", &span, message).label("a second time");
        let report = report.also(&fields.key_span(written[0]), "the first");
        report.help("keep one of them; a repeated step begins at `starting`");
        fields.ignore(&["after", "times", "starting"]);
        return None;
    }
    match (at, every, when) {
        (Some(at), ..) => {
            let span = at.span.clone();
            let (window, mut names) = time::window(&at, problems)?;
            mentions.append(&mut names);
            Some(When::At { window, span })
        }
        (_, Some(every), _) => read_every(every, fields, mentions, problems),
        (.., Some(when)) => read_condition(&when, fields, mentions, problems),
        _ if !written.is_empty() => None,
        _ => {
            let report = problems.add("E0401", &fields.span, "a step needs a time");
            let report = report.label("no `at`, `every` or `when` here");
            report.help("write `at = \"10s\"`, `every = \"10s\"` or `when = \"not zk.quorum\"`");
            None
        }
    }
}

fn read_every(
    period: Located<Duration>,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<When> {
    if period.value < Duration::from_millis(1) {
        problems.add("E0105", &period.span, "a step is repeated every 1ms at most");
        return None;
    }
    let first = match fields.text("starting", problems) {
        None => Moment::after_start(period.value),
        Some(starting) => {
            let (first, mut names) = time::moment(&starting, problems)?;
            mentions.append(&mut names);
            first
        }
    };
    let times = fields.number("times", problems);
    Some(When::Every { period, first, times })
}

fn read_condition(
    when: &Text,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<When> {
    let after = fields.duration("after", problems);
    let times = fields.number("times", problems).unwrap_or(1);
    let that = phrased(when, mentions, problems)?;
    let after = after.map_or(Duration::ZERO, |after| after.value);
    Some(When::Condition { that, after, times })
}

/// The condition in this text.
pub fn phrased(
    text: &Text,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Phrased<Condition>> {
    let (value, mut names) = condition::parse(text, problems)?;
    mentions.append(&mut names);
    Some(Phrased { value, words: text.value.clone(), span: text.span.clone() })
}
