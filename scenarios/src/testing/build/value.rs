//! Values and tables as scenario files have them, and how they are written down. What they mean is not known here.

use std::fmt;
use std::time::Duration;

/// A value of the scenario language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, with whatever small language is in it.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several values.
    List(Vec<Value>),
    /// Values by key.
    Table(Table),
}

/// Values by key, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(pub(super) Vec<(String, Value)>);

impl Table {
    /// Sets a key; what it was set to before is gone.
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(there, _)| there == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Adds to the list of a key.
    pub(super) fn push(&mut self, key: &str, value: impl Into<Value>) {
        match self.0.iter_mut().find(|(there, _)| there == key) {
            Some((_, Value::List(list))) => list.push(value.into()),
            _ => self.set(key, Value::List(vec![value.into()])),
        }
    }

    /// Sets a key of the table that another key holds.
    pub(super) fn set_in(&mut self, key: &str, inner: &str, value: impl Into<Value>) {
        self.inner(key).set(inner, value);
    }

    /// Adds to a list in the table that another key holds.
    pub(super) fn push_in(&mut self, key: &str, inner: &str, value: impl Into<Value>) {
        self.inner(key).push(inner, value);
    }

    fn inner(&mut self, key: &str) -> &mut Self {
        if !matches!(self.0.iter().find(|(there, _)| there == key), Some((_, Value::Table(_)))) {
            self.set(key, Value::Table(Self::default()));
        }
        let (_, value) =
            self.0.iter_mut().find(|(there, _)| there == key).expect("it was just set");
        match value {
            Value::Table(table) => table,
            _ => unreachable!("it was just made a table"),
        }
    }

    /// One `key = value` per line; a list of tables has a line for each.
    pub(super) fn lines(&self) -> String {
        let line = |(key, value): &(String, Value)| match value {
            Value::List(list) if list.iter().any(|one| matches!(one, Value::Table(_))) => {
                let items: String = list.iter().map(|item| format!("  {item},\n")).collect();
                format!("{} = [\n{items}]\n", Key(key))
            }
            value => format!("{} = {value}\n", Key(key)),
        };
        self.0.iter().map(line).collect()
    }
}

/// A key, quoted where it must be.
struct Key<'a>(&'a str);

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !self.0.is_empty() && self.0.chars().all(is_bare) {
            f.write_str(self.0)
        } else {
            quoted(self.0, f)
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            letter if letter.is_control() => write!(f, "\\u{:04X}", u32::from(letter))?,
            letter => write!(f, "{letter}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(text, f),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::List(list) => {
                let items: Vec<_> = list.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Table(Table(entries)) if entries.is_empty() => f.write_str("{}"),
            Self::Table(Table(entries)) => {
                let entry = |(key, value): &(String, Self)| format!("{} = {value}", Key(key));
                let entries: Vec<_> = entries.iter().map(entry).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// To the µs.
impl From<Duration> for Value {
    fn from(span: Duration) -> Self {
        Self::Text(format!("{}us", span.as_micros()))
    }
}

impl From<Table> for Value {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(list: Vec<V>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Value>, const N: usize> From<[V; N]> for Value {
    fn from(list: [V; N]) -> Self {
        Self::List(list.map(Into::into).into())
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(i64::from(number))
            }
        }
    )*};
}

numbers!(u8, u16, u32, i16, i32, i64);

/// Fluent keys of a part of a scenario: each method sets the key of its name.
macro_rules! keys {
    ($part:ident { $($(#[$about:meta])* $method:ident = $key:literal,)* }) => {
        impl $part {
            $($(#[$about])*
            #[must_use]
            pub fn $method(self, value: impl Into<$crate::testing::build::Value>) -> Self {
                self.with($key, value)
            })*

            /// Sets a key by its name in the language.
            #[must_use]
            pub fn with(
                mut self,
                key: &str,
                value: impl Into<$crate::testing::build::Value>,
            ) -> Self {
                self.table.set(key, value);
                self
            }
        }
    };
}

pub(super) use keys;
