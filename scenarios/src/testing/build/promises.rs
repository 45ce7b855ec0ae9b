//! What is promised about a run: a function for each key of `[expect]`.

use super::value::{Table, Value, keys};

/// One promise of `[expect]`.
#[derive(Clone, Debug)]
pub struct Promise {
    pub(super) key: &'static str,
    table: Table,
}

keys!(Promise {
    /// The outage must begin in this window.
    opens = "opens",
    /// The outage may begin in this window.
    may_open = "may-open",
    /// When it ends: `<= up + 8s`, or `never`.
    closes = "closes",
    /// How long it lasts.
    lasts = "lasts",
    /// It comes true within this time of a step: `40s after up`.
    within = "within",
    /// It comes true by then, or: the rule that allows a loss.
    by = "by",
    /// It holds during this window.
    during = "during",
});

impl Promise {
    /// As the language has it: conditions alone need no table.
    pub(super) fn value(self) -> Value {
        match <[_; 1]>::try_from(self.table.0) {
            Ok([(key, value)]) if key == "that" => value,
            Ok(one) => Table(one.into()).into(),
            Err(entries) => Table(entries).into(),
        }
    }
}

fn promise(key: &'static str, first: &str, value: &str) -> Promise {
    Promise { key, table: Table::default() }.with(first, value)
}

/// Clients cannot do this work (`produce(p1)`) in a window.
pub fn outage(of: &str) -> Promise {
    promise("outage", "of", of)
}

/// This comes true.
pub fn eventually(that: &str) -> Promise {
    promise("eventually", "that", that)
}

/// This is false after every step.
pub fn never(that: &str) -> Promise {
    promise("never", "that", that)
}

/// This is true after every step.
pub fn always(that: &str) -> Promise {
    promise("always", "that", that)
}

/// This is true at the end.
pub fn finally(that: &str) -> Promise {
    promise("finally", "that", that)
}

/// Some run reaches this mark.
pub fn sometimes(mark: &str) -> Promise {
    promise("sometimes", "that", mark)
}

/// These acknowledged records (`acked(orders)`) may be lost, by this rule of Kafka's (`E1` … `E5`, `acks=1`).
pub fn loses(of: &str, by: &str) -> Promise {
    promise("loses", "of", of).by(by)
}
