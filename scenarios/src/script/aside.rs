//! What is added to a scenario while it is played: a step or a condition in the words of the language, read and checked like
//! those of a file.

use toml::de::DeTable;

use super::fields::{Fields, Text};
use super::problems::Problems;
use super::{Diagnostic, Script, names, step};
use crate::cluster::Cluster;

impl Script {
    /// This scenario with one more step, written as a value (`{ do = "kill", nodes = "zk-1" }`).
    ///
    /// # Errors
    /// As [`super::parse`] and [`Script::check`], with places in `{ … }` as it is written.
    pub fn with_step(&self, written: &str, cluster: &Cluster) -> Result<Self, Vec<Diagnostic>> {
        let number = self.steps.len() + 1;
        self.with("step", written, cluster, |fields, script, problems| {
            let value = fields.value("step")?;
            script.steps.push(step::read(value, number, problems)?);
            Some(())
        })
    }

    /// This scenario with this condition as its only `finally`.
    ///
    /// # Errors
    /// As [`Self::with_step`].
    pub fn with_condition(&self, words: &str, cluster: &Cluster) -> Result<Self, Vec<Diagnostic>> {
        // TOML writes strings as JSON does.
        let written = serde_json::Value::from(words).to_string();
        self.with("condition", &written, cluster, |fields, script, problems| {
            let words: Text = fields.text("condition", problems)?;
            let expect = &mut script.expect;
            expect.finally = vec![step::phrased(&words, &mut expect.mentions, problems)?];
            Some(())
        })
    }

    fn with(
        &self,
        what: &str,
        written: &str,
        cluster: &Cluster,
        read: impl FnOnce(&mut Fields<'_>, &mut Self, &mut Problems) -> Option<()>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let source = format!("{what} = {written}");
        let mut problems = Problems::of(what, &source);
        let (document, errors) = DeTable::parse_recoverable(&source);
        for error in errors {
            let span = error.span().unwrap_or(source.len()..source.len());
            problems.add("E0001", &span, error.message()).label("not TOML");
        }
        let mut script = self.clone();
        if problems.is_empty() {
            let mut fields = Fields::of(document.get_ref(), 0..0, what);
            let was_read = read(&mut fields, &mut script, &mut problems).is_some();
            fields.finish(&mut problems);
            if was_read && problems.is_empty() {
                names::check(&script, Some(cluster), &mut problems);
            }
        }
        if problems.is_empty() { Ok(script) } else { Err(problems.into_sorted()) }
    }
}
