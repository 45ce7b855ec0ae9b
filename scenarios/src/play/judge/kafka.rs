//! The end of a run for Kafka: losses against what was allowed, and how admin tools ended against what was promised.

use machine::Instant;
use reports::run::{Expectation, Loss};

use crate::checks::Excused;
use crate::play::Play;
use crate::script::action::Deed;

/// What came of it.
#[derive(Default)]
pub struct Judged {
    /// Allowed losses, with what really was lost.
    pub losses: Vec<Loss>,
    /// Losses nobody allowed: check, property, when, what.
    pub violations: Vec<(&'static str, &'static str, Instant, String)>,
    /// What steps promised about their tools.
    pub expectations: Vec<Expectation>,
    /// Of these, what was broken.
    pub broken: Vec<String>,
}

impl Play<'_> {
    /// Losses with an excuse are violations unless the scenario names it; admin tools end as promised or not.
    pub(super) fn judge_kafka(&mut self) -> Judged {
        let mut judged = Judged::default();
        let loses = &self.plan.promises.loses;
        let mut lost = vec![0; loses.len()];
        for (breach, Excused { topic, by, records, at, what }) in self.checks.excused() {
            let allowed =
                loses.iter().position(|loss| *loss.topic == *topic && by.is_named(loss.by.word()));
            match allowed {
                Some(index) => lost[index] = records.max(lost[index]),
                None => {
                    let what = format!("{what} (`loses` by {} would allow it)", by.id());
                    judged.violations.push((breach.id, breach.property, at, what));
                }
            }
        }
        for (loss, records) in loses.iter().zip(lost) {
            let of = format!("acked({})", loss.topic);
            judged.losses.push(Loss { of, by: loss.by.word().to_owned(), records });
        }
        self.judge_admins(&mut judged);
        judged
    }

    fn judge_admins(&self, judged: &mut Judged) {
        for (index, node) in &self.stage.kafka.admins {
            let step = &self.plan.steps[*index];
            let Deed::Admin(admin) = &step.action.deed else { continue };
            let fired = self.fired.contains_key(&step.id);
            if !fired || (admin.expect_exit.is_none() && admin.prints.is_empty()) {
                continue;
            }
            let name = self.stage.world.name_of(*node);
            let client = self.stage.scene.kafka.client_at(*node);
            let did = client.and_then(|client| client.did.get(name));
            let mut wanted = Vec::new();
            if let Some(exit) = admin.expect_exit {
                let seen = did.map(|did| did.exit);
                wanted.push((format!("exits {exit}"), seen == Some(exit)));
            }
            for text in &admin.prints {
                let seen = did.is_some_and(|did| did.output.contains(text.as_str()));
                wanted.push((format!("prints `{text}`"), seen));
            }
            let how = match did {
                None => "it has not ended".to_owned(),
                Some(did) => {
                    let first = did.output.lines().next().unwrap_or("nothing printed");
                    format!("exit {}, {first}", did.exit)
                }
            };
            for (what, held) in wanted {
                let that = format!("{} {what}", step.id);
                if !held {
                    judged.broken.push(format!("{that}: {how}"));
                }
                let expectation = Expectation { that, held: Some(held), how: how.clone() };
                judged.expectations.push(expectation);
            }
        }
    }
}
