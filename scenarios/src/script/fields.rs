//! Reading TOML tables with their places: typed keys, unknown keys with a suggestion, missing keys.
//!
//! Knows TOML and spans, nothing of scenarios.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Located, Problems, Report, Span};
use super::time;

/// A value of the file, with its place.
pub type Value<'a> = &'a Spanned<DeValue<'a>>;

/// A string of the file, with the place of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where the content is, without the quotes.
    pub span: Span,
    /// Whether the file has it letter for letter, so that places inside it are known.
    exact: bool,
}

impl Text {
    /// The string at this value, if it is one. `source` is the whole file.
    pub fn of(value: Value<'_>, source: &str) -> Option<Self> {
        let text = value.get_ref().as_str()?.to_string();
        let outer = value.span();
        let inner = outer.start + 1..(outer.start + 1).max(outer.end.saturating_sub(1));
        let exact = source.get(inner.clone()) == Some(text.as_str());
        Some(Self { value: text, span: if exact { inner } else { outer }, exact })
    }

    /// A string that was read before, to be read again. `source` is the whole file.
    pub fn again(value: &str, span: Span, source: &str) -> Self {
        let exact = source.get(span.clone()) == Some(value);
        Self { value: value.to_string(), span, exact }
    }

    /// A part of a longer string, to be read by itself.
    pub fn inside(part: &str, span: Span) -> Self {
        Self { value: part.to_string(), span, exact: false }
    }

    /// The place of a part of it: exact if the file has the string letter for letter, otherwise all
    /// of it.
    pub fn part(&self, part: Span) -> Span {
        if self.exact {
            self.span.start + part.start..self.span.start + part.end
        } else {
            self.span.clone()
        }
    }
}

/// The keys of one table, being read. [`Fields::finish`] complains about those nobody asked for.
pub struct Fields<'a> {
    table: &'a DeTable<'a>,
    /// Where the table is.
    pub span: Span,
    what: String,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The keys of `table`; `what` names it in messages (`step`, `[cluster]`).
    pub fn of(table: &'a DeTable<'a>, span: Span, what: impl Into<String>) -> Self {
        Self { table, span, what: what.into(), asked: Vec::new() }
    }

    /// The keys of this value, which must be a table.
    pub fn at(value: Value<'a>, what: &str, problems: &mut Problems) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::of(table, value.span(), what)),
            other => {
                wrong_type(problems, &value.span(), what, "a table `{ … }`", other);
                None
            }
        }
    }

    /// What is written at `key`.
    pub fn value(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Takes these keys for known, whatever they say.
    pub fn ignore(&mut self, keys: &[&'static str]) {
        self.asked.extend_from_slice(keys);
    }

    /// Gives the table a better name, now that more is known about it.
    pub fn call(&mut self, what: impl Into<String>) {
        self.what = what.into();
    }

    /// Where the key itself is written, or the whole table.
    pub fn key_span(&self, key: &str) -> Span {
        let found = self.table.get_key_value(key);
        found.map_or_else(|| self.span.clone(), |(key, _)| key.span())
    }

    /// Where what the key says is written, or the whole table.
    pub fn value_span(&self, key: &str) -> Span {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Whether `key` is written, without reading it.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// What the string at `key` says, empty if there is none; complains about nothing.
    pub fn key_text(&self, key: &str) -> &'a str {
        self.table.get(key).and_then(|value| value.get_ref().as_str()).unwrap_or("")
    }

    /// The string at `key`.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Text> {
        let value = self.value(key)?;
        text(value, &format!("`{key}`"), problems)
    }

    /// The string at `key`, which must be there.
    pub fn need_text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Text> {
        if !self.has(key) {
            self.asked.push(key);
            self.missing(key, problems);
            return None;
        }
        self.text(key, problems)
    }

    /// The whole number at `key`, at least 0.
    pub fn number(&mut self, key: &'static str, problems: &mut Problems) -> Option<u64> {
        let value = self.value(key)?;
        number(value, &format!("`{key}`"), problems)
    }

    /// The truth value at `key`.
    pub fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                wrong_type(problems, &value.span(), &format!("`{key}`"), "true or false", other);
                None
            }
        }
    }

    /// The span of time at `key` (`"1500ms"`).
    pub fn duration(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<Located<machine::Duration>> {
        let text = self.text(key, problems)?;
        let value = time::duration(&text, problems)?;
        Some(Located { value, span: text.span })
    }

    /// The elements of the array at `key`; none if the key is not there.
    pub fn list(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Value<'a>> {
        match self.value(key) {
            None => Vec::new(),
            Some(value) => list(value, &format!("`{key}`"), problems),
        }
    }

    /// The strings of the array at `key`.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Text> {
        let what = format!("each of `{key}`");
        let values = self.list(key, problems);
        values.into_iter().filter_map(|value| text(value, &what, problems)).collect()
    }

    /// All keys with their values, for tables whose keys are names. Nothing is unknown then.
    pub fn entries(&self) -> impl Iterator<Item = (Located<&'a str>, Value<'a>)> + use<'a> {
        let table = self.table;
        table.iter().map(|(key, value)| {
            (Located { value: key.get_ref().as_ref(), span: key.span() }, value)
        })
    }

    /// Complains that `key` is not there.
    pub fn missing<'p>(&self, key: &str, problems: &'p mut Problems) -> Report<'p> {
        let message = format!("{} needs `{key}`", self.what);
        let report = problems.add("E0102", &self.span, message);
        report.label(format!("no `{key}` here"))
    }

    /// Complains about every key that was not asked for.
    pub fn finish(self, problems: &mut Problems) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let message = format!("{} has no key `{name}`", self.what);
                let report = problems.add("E0101", &key.span(), message).label("unknown key");
                report.suggest(name, self.asked.iter().copied());
            }
        }
    }
}

/// The string at this value; complains otherwise.
pub fn text(value: Value<'_>, what: &str, problems: &mut Problems) -> Option<Text> {
    let found = Text::of(value, problems.source());
    if found.is_none() {
        wrong_type(problems, &value.span(), what, "a string", value.get_ref());
    }
    found
}

/// The whole number at this value, at least 0; complains otherwise.
pub fn number(value: Value<'_>, what: &str, problems: &mut Problems) -> Option<u64> {
    let found = match value.get_ref() {
        DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
        _ => None,
    };
    if found.is_none() {
        let wanted = "a whole number that is not negative";
        wrong_type(problems, &value.span(), what, wanted, value.get_ref());
    }
    found
}

/// The elements of the array at this value; complains otherwise.
pub fn list<'a>(value: Value<'a>, what: &str, problems: &mut Problems) -> Vec<Value<'a>> {
    match value.get_ref() {
        DeValue::Array(elements) => elements.iter().collect(),
        other => {
            wrong_type(problems, &value.span(), what, "an array `[ … ]`", other);
            Vec::new()
        }
    }
}

fn wrong_type(problems: &mut Problems, span: &Span, what: &str, wanted: &str, got: &DeValue<'_>) {
    let got = match got {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    };
    let message = format!("{what} must be {wanted}, not {got}");
    problems.add("E0103", span, message).label(format!("this is {got}"));
}
