//! The scenario as a text: what a person would have written for the question, in the manner of the library.

use std::ops::Range;
use std::path::Path;

use machine::Duration;
use reports::style::Style;

use super::ground::{Ground, quoted};
use super::question::{How, Question};
use super::stage::{MIN_IN_SYNC, READER_AFTER, Stage, Worked};
use crate::cluster::Topic;
use crate::diagnostic::Diagnostic;
use crate::script::expect::Excuse;
use crate::script::kafka::client::Acks;

/// Lines are no longer, where they can be broken.
const LINE_MAX: usize = 110;

/// The text, and which parts of it somebody else wrote.
#[derive(Clone, Debug)]
pub struct Page {
    /// The whole file.
    pub text: String,
    quotes: Vec<Quote>,
}

/// What stands here was said elsewhere: what is wrong with it is shown there.
#[derive(Clone, Debug)]
struct Quote {
    here: Range<usize>,
    by: &'static str,
    said: String,
}

/// What a scenario promises, line by line: TOML values of `[expect]`.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    /// Its story, in plain words.
    pub about: String,
    /// `outage`
    pub outages: Vec<String>,
    /// `loses`
    pub loses: Vec<String>,
    /// `finally`
    pub finally: Vec<String>,
    /// The exit code that each admin tool ends with; `None` where that is not always the same.
    pub exits: Vec<Option<i32>>,
}

impl Promises {
    /// For a first look: every loss that Kafka's rules know is allowed, so that it is counted and is no violation.
    pub fn nothing(topic: Option<&Topic>) -> Self {
        let all =
            |topic: &Topic| Excuse::ALL.map(|(_, excuse)| loses(&topic.name, excuse)).to_vec();
        Self { loses: topic.map(all).unwrap_or_default(), ..Self::default() }
    }
}

/// `{ of = "acked(orders)", by = "E1" }`
pub fn loses(topic: &str, by: Excuse) -> String {
    format!("{{ of = \"acked({topic})\", by = \"{}\" }}", by.word())
}

impl Page {
    /// Writes the scenario of a question. `folder` is where it will be kept; `name` what it is called.
    pub fn write(
        name: &str,
        folder: &Path,
        question: &Question,
        ground: &Ground,
        stage: &Stage,
        promises: &Promises,
    ) -> Self {
        let mut page = Self { text: String::new(), quotes: Vec::new() };
        let asked = format!("Written by `{}`.", comment(&question.asked));
        let style = Style { width: LINE_MAX, ..Style::default() };
        for line in style.wrapped("", &asked).lines() {
            page.line(&format!("# {line}"));
        }
        page.line(&format!("name     = {}", quoted(name)));
        let about = promises.about.trim();
        if about.is_empty() {
            page.line("about    = \"What if?\"");
        } else {
            page.line(&format!("about    = \"\"\"\n{}\n\"\"\"", in_quotes(about)));
        }
        page.line(&format!("duration = \"{}\"", stage.duration));
        page.cluster(folder, ground, stage);
        page.hosts(question, ground);
        page.clients(question, stage);
        page.timeline(question, stage, &promises.exits);
        page.expect(promises);
        page
    }

    /// The same complaint, about what was said elsewhere if that is where it belongs.
    pub fn placed(&self, diagnostic: &Diagnostic) -> Diagnostic {
        let span = &diagnostic.span;
        let inside = |quote: &&Quote| quote.here.start <= span.start && span.end <= quote.here.end;
        let Some(quote) = self.quotes.iter().find(inside) else { return diagnostic.clone() };
        Diagnostic {
            file: quote.by.to_owned(),
            source: quote.said.as_str().into(),
            span: span.start - quote.here.start..span.end - quote.here.start,
            ..diagnostic.clone()
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Keys with their values, the signs `=` one below the other.
    fn keys(&mut self, keys: &[(String, String)]) {
        let width = keys.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
        for (key, value) in keys {
            self.line(&format!("{key:width$} = {value}"));
        }
    }

    /// A list, on one line if it is short.
    fn list(&mut self, key: &str, list: &[String]) {
        let short = list.iter().map(String::len).sum::<usize>() <= LINE_MAX - 20;
        if short && list.len() <= 3 {
            self.line(&format!("{key} = [{}]", list.join(", ")));
        } else {
            self.line(&format!("{key} = ["));
            list.iter().for_each(|one| self.line(&format!("  {one},")));
            self.line("]");
        }
    }

    fn cluster(&mut self, folder: &Path, ground: &Ground, stage: &Stage) {
        self.line("\n[cluster]");
        let files = ground.files_from(folder);
        if !files.is_empty() {
            self.list("from", &files);
        }
        let added = stage.topic.as_ref().filter(|worked| worked.is_added);
        self.keys(&ground.keys(added.map(topic)));
    }

    fn hosts(&mut self, question: &Question, ground: &Ground) {
        if question.hosts.is_empty() && ground.hosts.is_empty() {
            return;
        }
        self.line("\n[hosts]");
        self.keys(&ground.hosts);
        for (name, nodes) in &question.hosts {
            self.text.push_str(&format!("{} = [", quoted_key(name)));
            for (place, node) in nodes.split(',').map(str::trim).enumerate() {
                let before = if place == 0 { "" } else { ", " };
                self.text.push_str(before);
                self.quote("--host", node);
            }
            self.line("]");
        }
    }

    fn clients(&mut self, question: &Question, stage: &Stage) {
        let names = &stage.names;
        if let Some(Worked { topic, .. }) = &stage.topic {
            let topic = quoted(&topic.name);
            let acks = match question.acks {
                Acks::All => "\"all\"",
                Acks::Leader => "1",
                Acks::None => "0",
            };
            let work = format!("{{ topic = {topic}, rate = \"50/s\", acks = {acks} }}");
            self.client(&names.producer, &[("produce".to_owned(), work)]);
            let work = format!("{{ topic = {topic}, from = \"beginning\" }}");
            self.client(&names.consumer, &[("consume".to_owned(), work.clone())]);
            for (reader, loss) in names.readers.iter().zip(&stage.losses) {
                self.line("\n# Comes after the loss, and reads all there is.");
                let start = format!("\"{}\"", loss.at + READER_AFTER);
                let keys = [("start".to_owned(), start), ("consume".to_owned(), work.clone())];
                self.bare_client(reader, &keys);
            }
        }
        let work = "{ path = \"/rehearsal\", every = \"200ms\" }".to_owned();
        self.client(&names.session, &[("write".to_owned(), work)]);
    }

    fn client(&mut self, id: &str, keys: &[(String, String)]) {
        self.line("");
        self.bare_client(id, keys);
    }

    fn bare_client(&mut self, id: &str, keys: &[(String, String)]) {
        self.line("[[clients]]");
        let id = ("id".to_owned(), quoted(id));
        let keys: Vec<_> = std::iter::once(id).chain(keys.iter().cloned()).collect();
        self.keys(&keys);
    }

    fn timeline(&mut self, question: &Question, stage: &Stage, exits: &[Option<i32>]) {
        self.line("\n[timeline]\nsteps = [");
        let Some(first) = stage.losses.first() else { return };
        if let Some(behind) = question.behind {
            let at = first.at.saturating_sub(behind);
            let lasts = first.at.saturating_sub(at) + Duration::from_secs(1);
            self.line("  # Followers get nothing more of what leaders acknowledge.");
            self.line(&format!(
                "  {{ id = \"behind\", at = \"{at}\", do = \"cut\", from = \"brokers\", to = \"brokers\", \
                 for = \"{lasts}\" }},"
            ));
        }
        let since = |at: Duration| format!("{} + {}", first.id, at.saturating_sub(first.at));
        for (number, loss) in stage.losses.iter().enumerate() {
            let at = if number == 0 { loss.at.to_string() } else { since(loss.at) };
            let (id, verb) = (&loss.id, question.how.verb());
            self.text
                .push_str(&format!("  {{ id = \"{id}\", at = \"{at}\", do = \"{verb}\", nodes = "));
            self.quote(if number == 0 { "--lose" } else { "--then" }, &loss.who);
            self.line(" },");
        }
        if let Some(back) = stage.back {
            let all = stage.losses.iter().map(|loss| format!("victims({})", loss.id));
            let all = match question.how {
                // With a machine everything on it comes back.
                How::PowerLoss => "zk.servers, brokers".to_owned(),
                _ => all.collect::<Vec<_>>().join(", "),
            };
            let (id, verb, at) = (&stage.back_id, question.how.undo(), since(back));
            self.line(&format!(
                "  {{ id = \"{id}\", at = \"{at}\", do = \"{verb}\", nodes = \"{all}\" }},"
            ));
        }
        for (number, admin) in stage.admins.iter().enumerate() {
            let exit = exits.get(number).copied().flatten();
            let exit = exit.map(|code| format!(", expect-exit = {code}")).unwrap_or_default();
            let (id, topic, patience) = (&admin.id, quoted(&admin.topic), admin.patience);
            self.line(&format!(
                "  {{ id = \"{id}\", at = \"{}\", do = \"create-topic\", topic = {topic}, \
                 partitions = 1, replication-factor = 1, timeout = \"{patience}\"{exit} }},",
                since(admin.at)
            ));
        }
        self.line("]");
    }

    fn expect(&mut self, promises: &Promises) {
        let lists = [
            ("outage", &promises.outages),
            ("loses", &promises.loses),
            ("finally", &promises.finally),
        ];
        if lists.iter().all(|(_, list)| list.is_empty()) {
            return;
        }
        self.line("\n[expect]");
        for (key, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            self.list(key, list);
        }
    }

    /// Words of somebody else, as a string.
    fn quote(&mut self, by: &'static str, said: &str) {
        let written = quoted(said);
        let start = self.text.len() + 1;
        self.text.push_str(&written);
        // With escapes in them, places cannot be told.
        if written.len() == said.len() + 2 {
            self.quotes.push(Quote { here: start..start + said.len(), by, said: said.to_owned() });
        }
    }
}

/// A topic of `[cluster]`.
fn topic(worked: &Worked) -> String {
    let topic = &worked.topic;
    let min = topic.config.get(MIN_IN_SYNC);
    let min = min.map(|min| format!(", min-insync-replicas = {min}")).unwrap_or_default();
    format!(
        "{{ name = {}, partitions = {}, replication-factor = {}{min} }}",
        quoted(&topic.name),
        topic.partitions,
        topic.replication_factor
    )
}

fn quoted_key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let bare = !name.is_empty() && name.chars().all(is_bare);
    if bare { name.to_owned() } else { quoted(name) }
}

/// What may stand in a comment.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// What may stand between three quotes.
fn in_quotes(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
    text.chars().map(plain).collect::<String>().replace('\\', "\\\\").replace('"', "\\\"")
}
