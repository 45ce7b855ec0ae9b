//! The end of a run: what was violated, what was promised, what is left to tell.

mod kafka;

use machine::Instant;
use reports::run::{Kind, Run, Verdict, Violation};

use super::{Behind, Play, facts, tell};
use crate::cast::Stage;

/// How many steps of the past a violation shows.
const TRAIL: usize = 12;

impl Play<'_> {
    /// A check, a promise or a machine failed. Of each check the first three are told.
    pub(super) fn violated(&mut self, check: &str, property: &str, at: Instant, message: String) {
        let again = self.violations.iter().filter(|one| one.check == check).count();
        if again >= 3 {
            return;
        }
        let tail = self.timeline.len().saturating_sub(TRAIL);
        let trail = self.timeline[tail..].iter().map(tell::trail).collect();
        self.line(at, Kind::Violation, check.to_owned(), message.clone());
        self.violations.push(Violation {
            check: check.to_owned(),
            property: property.to_owned(),
            at: at.as_micros(),
            message,
            trail,
        });
    }

    /// Judges everything that can only be judged now.
    pub(super) fn finish(mut self) -> (Run, Stage) {
        let end = self.stage.world.now();
        let behind = Behind(&self.stage.world);
        let mut breaches = Vec::new();
        self.checks.finish(&self.stage.scene, &behind, &mut breaches);
        self.breached(breaches, end);
        let kafka = self.judge_kafka();
        for (id, property, at, message) in kafka.violations {
            self.violated(id, property, at, message);
        }
        for message in kafka.broken {
            self.violated("expect", "What the scenario promises holds.", end, message);
        }
        let facts = facts::View { plan: &self.plan, stage: &self.stage, fired: &self.fired };
        let mut judged = self.promises.judge(&self.plan, &facts);
        judged.expectations.extend(kafka.expectations);
        for message in judged.broken {
            self.violated("expect", "What the scenario promises holds.", end, message);
        }
        let fired = self.fired.iter();
        let fired = fired.map(|(id, firings)| (id.clone(), firings.iter().map(|one| one.at)));
        let fired = fired.map(|(id, at)| (id, at.collect())).collect();
        let (outages, broken) = self.outages.judge(end, &self.plan, &fired);
        for (at, message) in broken {
            let property = "Clients are without service only as announced.";
            self.violated("outage", property, at, message);
        }
        let never_fired = self.plan.steps.iter().filter(|step| !self.fired.contains_key(&step.id));
        let mut undecided: Vec<String> = never_fired
            .map(|step| format!("step `{}` never fired: its trigger never came", step.id))
            .collect();
        undecided.dedup();
        undecided.extend(judged.undecided);
        let late = self.awaited.iter();
        undecided.extend(late.map(|guest| format!("guest `{guest}` was still at work at the end")));
        for guest in &self.plan.guests {
            if !self.stage.nodes.contains_key(guest) {
                let remark = format!("guest `{guest}` is a program of a test: it was not here");
                self.stage.remarks.push(remark);
            }
        }
        let verdict = match (self.violations.is_empty(), undecided.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, false) => Verdict::Inconclusive,
            (true, true) => Verdict::Pass,
        };
        if let (Some(out), Some(trace)) = (&mut self.watch.trace, self.trace.take()) {
            let bytes = trace.finish().expect("writing to memory cannot fail");
            if let Err(error) = out.write_all(&bytes) {
                undecided.push(format!("the trace could not be written: {error}"));
            }
        }
        let run = Run {
            scenario: self.plan.scenario.clone(),
            about: self.plan.about.trim().to_owned(),
            seed: self.plan.seed,
            verdict,
            fingerprint: format!("{:016x}", self.stage.world.fingerprint()),
            violations: self.violations,
            undecided,
            outages,
            steps: self.did,
            expectations: judged.expectations,
            marks: self.marks.iter().map(|mark| (*mark).to_owned()).collect(),
            timeline: self.timeline,
            final_state: tell::final_state(&self.stage),
            topics: tell::topics(&self.stage),
            losses: kafka.losses,
            remarks: std::mem::take(&mut self.stage.remarks),
            statistics: tell::statistics(end, self.stage.world.events()),
            reproduce: self.watch.reproduce.clone(),
        };
        (run, self.stage)
    }
}
