//! The answer in at most ten lines.

use reports::style::{Paint, Style};

use super::answer::{Answer, LossOf, Stop};

/// No answer is longer.
const LINES_MAX: usize = 10;
/// Narrower than this, ten lines are too few.
const WIDTH_MIN: usize = 100;
/// How wide the story of a scenario is.
const ABOUT_WIDTH: usize = 116;

/// One line, before it is set: the word in front, the rest, and how little it would be missed.
struct Line {
    word: &'static str,
    paint: Paint,
    rest: String,
    dispensable: u8,
}

impl Answer {
    /// The answer for people, set in this style: at most ten lines.
    pub fn told(&self, style: &Style) -> String {
        let style = &Style { width: style.width.max(WIDTH_MIN), ..*style };
        let head = style.wrapped("", &self.question());
        let mut lines = self.lines();
        loop {
            let set: Vec<String> = lines.iter().map(|line| set(line, style)).collect();
            let count = |text: &String| text.lines().count();
            let length = count(&head) + set.iter().map(count).sum::<usize>();
            let least = lines.iter().enumerate().max_by_key(|(_, line)| line.dispensable);
            match least.map(|(place, line)| (place, line.dispensable)) {
                Some((place, dispensable)) if length > LINES_MAX && dispensable > 0 => {
                    lines.remove(place);
                }
                _ => return format!("{}{}", style.paint(Paint::Strong, &head), set.concat()),
            }
        }
    }

    /// The answer as the story of a scenario.
    pub(super) fn about(&self) -> String {
        let style = Style { colour: false, width: ABOUT_WIDTH };
        let lines = self.lines();
        let told = lines.iter().filter(|line| line.word != "seen" && line.word != "beware");
        let told: String =
            told.map(|line| style.wrapped(&format!("{:8} ", line.word), &line.rest)).collect();
        format!("{}{told}", style.wrapped("", &self.question()))
    }

    /// The question, as it was understood.
    pub fn question(&self) -> String {
        let who = |loss: &LossOf| {
            let met = loss.met.join(", ");
            if met == loss.who || met.is_empty() {
                loss.who.clone()
            } else {
                format!("{} ({met})", loss.who)
            }
        };
        let first = self.losses.first().map(who).unwrap_or_default();
        let is_one = self.losses.first().is_some_and(|loss| loss.met.len() == 1);
        let verb = if is_one { "is" } else { "are" };
        let mut text = format!("What if {first} {verb} {}", self.how.participle());
        let start = self.losses.first().map_or(0, |loss| loss.at_seconds);
        for loss in self.losses.iter().skip(1) {
            text.push_str(&format!(", and {} {} s later", who(loss), loss.at_seconds - start));
        }
        if let Some(back) = self.back_seconds {
            let after = if self.losses.len() > 1 { "after the first loss" } else { "later" };
            text.push_str(&format!(", and back {back} s {after}"));
        }
        text.push_str(&format!("? {}", self.cluster));
        if let Some(topic) = &self.topic {
            text.push_str(&format!("; {topic}"));
        }
        text
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut add = |word, paint, rest: String, dispensable| {
            lines.push(Line { word, paint, rest, dispensable });
        };
        if !self.never_began.is_empty() {
            add(
                "broken",
                Paint::Bad,
                format!("{}: never worked, also before", self.never_began.join("; ")),
                0,
            );
        }
        for (place, stop) in self.stops.iter().enumerate() {
            let dispensable = u8::try_from(place).unwrap_or(u8::MAX).saturating_sub(3).min(7);
            add("stops", Paint::Bad, self.stop(stop), dispensable);
        }
        if !self.goes_on.is_empty() {
            add("goes on", Paint::Good, self.goes_on.join("; "), 0);
        }
        if self.topic.is_some() && self.records.acknowledged > 0 {
            let (paint, rest) = self.lost();
            add("lost", paint, rest, 0);
        }
        for (place, one) in self.decides.iter().enumerate() {
            let from = if one.from.is_empty() { String::new() } else { format!(" ({})", one.from) };
            let dispensable = [0, 4].get(place).copied().unwrap_or(8);
            add(
                "decides",
                Paint::Strong,
                format!("{}{from}: {}", one.setting, one.what),
                dispensable,
            );
        }
        for (place, one) in self.beware.iter().enumerate() {
            add("beware", Paint::Unsure, one.clone(), if place == 0 { 1 } else { 9 });
        }
        let (first, last) = self.seeds;
        let seeds = if first == last {
            format!("seed {first}")
        } else {
            format!("seeds {first} to {last}")
        };
        let watched = self.watched_seconds;
        add(
            "seen",
            Paint::Dim,
            format!("{seeds}, {watched} s from the last event on; assigned consumers, no groups"),
            10,
        );
        lines
    }

    fn stop(&self, stop: &Stop) -> String {
        let mut text = stop.what.clone();
        text.push_str(&self.partitions(stop));
        let after = self.place_of(&stop.after);
        match stop.lasts_ms {
            None if stop.would_end => {
                text.push_str(&format!(": from {after} on, for longer than was watched"));
            }
            None if stop.said.is_empty() && self.back_seconds.is_some() => {
                text.push_str(&format!(": from {after} to the end"));
            }
            None if stop.said.is_empty() => text.push_str(&format!(": from {after} on, for good")),
            None => text.push_str(&format!(": from {after} on ({})", stop.said)),
            Some(range) => text.push_str(&format!(": for {} after {after}", seconds(range))),
        }
        if stop.runs < stop.of {
            text.push_str(&format!(" (in {} of {} runs)", stop.runs, stop.of));
        }
        text
    }

    fn partitions(&self, stop: &Stop) -> String {
        let Some((low, most, all)) = stop.partitions else { return String::new() };
        let named = stop.which.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match stop.which.len() {
            _ if low == all && all > 1 => ", all partitions".to_owned(),
            _ if all == 1 => String::new(),
            1 => format!(", partition {named} of {all}"),
            2..=4 => format!(", partitions {named} of {all}"),
            _ if low == most => format!(", {most} of {all} partitions"),
            _ => format!(", {low} to {most} of {all} partitions"),
        }
    }

    /// A step in words.
    fn place_of(&self, step: &str) -> String {
        match self.losses.iter().position(|loss| loss.step == step) {
            Some(0) if self.losses.len() == 1 => "the loss".to_owned(),
            Some(0) => "the first loss".to_owned(),
            Some(1) => "the second loss".to_owned(),
            Some(place) => format!("loss {}", place + 1),
            None => "their return".to_owned(),
        }
    }

    fn lost(&self) -> (Paint, String) {
        let records = &self.records;
        let of = format!("of {} acknowledged records", records.acknowledged);
        let mut parts = Vec::new();
        for (by, (low, most)) in records.lost.iter().filter(|(_, (_, most))| *most > 0) {
            let count = if low == most { most.to_string() } else { format!("{low} to {most}") };
            let by = match by.as_str() {
                "" => "which no rule of Kafka allows".to_owned(),
                "acks=1" => "allowed by acks=1".to_owned(),
                by => format!("allowed by exception {by}: {}", exception(by)),
            };
            parts.push(format!("{count} records a run, {by}"));
        }
        let mut text = if parts.is_empty() { format!("nothing {of}") } else { parts.join("; ") };
        let mut paint = if parts.is_empty() { Paint::Good } else { Paint::Bad };
        if records.given_up > 0 {
            paint = Paint::Bad;
            let count = records.given_up;
            text.push_str(&format!("; {count} batches given up after delivery.timeout.ms"));
        }
        if records.out_of_reach > 0 {
            let count = match records.out_of_reach {
                1 => "1 partition".to_owned(),
                many => format!("{many} partitions"),
            };
            paint = Paint::Unsure;
            text.push_str(&format!(", but {count} cannot be read"));
        }
        if records.is_at_risk && records.lost.is_empty() && records.out_of_reach == 0 {
            paint = Paint::Unsure;
            text = format!("nothing {of}, followers had fetched all");
        }
        if let Some(behind) = records.lost_if_behind.filter(|lost| *lost > 0) {
            paint = Paint::Bad;
            text.push_str(&format!("; were they 5 s behind, {behind} (--behind 5s)"));
        }
        (paint, text)
    }
}

/// The exceptions by which Kafka's own rules lose acknowledged records.
fn exception(by: &str) -> &'static str {
    match by {
        "E1" => "an unclean election",
        "E2" => "an in-sync replica lost what was on its disk",
        "E3" => "the only in-sync replica lost what was on its disk",
        "E4" => "retention or deletion",
        _ => "damaged disks, or a ZooKeeper that lost its data",
    }
}

/// A range of times in seconds.
fn seconds((low, high): (u64, u64)) -> String {
    let tenths = |ms: u64| format!("{}.{}", ms / 1_000, ms % 1_000 / 100);
    let (low, high) = (tenths(low), tenths(high));
    if low == high { format!("{high} s") } else { format!("{low} to {high} s") }
}

fn set(line: &Line, style: &Style) -> String {
    let plain = style.wrapped(&format!("  {:8}  ", line.word), &line.rest);
    let painted = style.paint(line.paint, line.word);
    plain.replacen(line.word, &painted, 1)
}
