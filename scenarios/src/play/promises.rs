//! What the scenario's author promised: looked at whenever something changed, judged at the end.

use machine::{Duration, Instant};
use reports::run::Expectation;

use crate::plan::{Plan, Said};
use crate::script::facts::Facts;
use crate::script::time::{Moment, Window};

/// The promises of a plan, and how they stand.
#[derive(Debug)]
pub struct Promises {
    eventually: Vec<Option<Instant>>,
    throughout: Vec<Option<Instant>>,
}

/// The promises at the end.
#[derive(Debug, Default)]
pub struct Judged {
    /// Each promise with how it was judged.
    pub expectations: Vec<Expectation>,
    /// What was broken.
    pub broken: Vec<String>,
    /// What could not be judged.
    pub undecided: Vec<String>,
}

/// The firing of steps, as far as they have fired: the date of each one's last.
pub trait Dates {
    /// When this step last fired.
    fn fired(&self, step: &str) -> Option<Instant>;
}

impl Dates for super::facts::View<'_> {
    fn fired(&self, step: &str) -> Option<Instant> {
        self.fired.get(step)?.last().map(|firing| firing.at)
    }
}

impl Promises {
    /// Nothing has come true or been broken.
    pub fn new(plan: &Plan) -> Self {
        let promises = &plan.promises;
        Self {
            eventually: vec![None; promises.eventually.len()],
            throughout: vec![None; promises.never.len() + promises.always.len()],
        }
    }

    /// The moments at which a look is due, as far as the steps they hang on have fired.
    pub fn dates(&self, plan: &Plan, fired: impl Fn(&str) -> Option<Instant>) -> Vec<Instant> {
        let promises = &plan.promises;
        let eventually = promises.eventually.iter().map(|(_, window)| window);
        let never = promises.never.iter().map(|(_, window)| window);
        let always = promises.always.iter().map(|(_, window)| window);
        let windows = eventually.chain(never).chain(always);
        let dates = windows.flat_map(|window| [&window.from, &window.to]);
        dates.filter_map(|moment| plan.date(moment, &fired)).collect()
    }

    /// Looks at everything that is promised for now. Gives what was broken just now.
    pub fn see<F: Facts + Dates>(&mut self, at: Instant, plan: &Plan, facts: &F) -> Vec<String> {
        for (held, (said, window)) in self.eventually.iter_mut().zip(&plan.promises.eventually) {
            if held.is_none() && inside(at, window, plan, facts) && said.condition.holds(facts) {
                *held = Some(at);
            }
        }
        let never = plan.promises.never.iter().map(|promise| (promise, false));
        let always = plan.promises.always.iter().map(|promise| (promise, true));
        let mut broken = Vec::new();
        for (place, ((said, window), wanted)) in self.throughout.iter_mut().zip(never.chain(always))
        {
            if place.is_none()
                && inside(at, window, plan, facts)
                && said.condition.holds(facts) != wanted
            {
                *place = Some(at);
                let word = if wanted { "always" } else { "never" };
                let now = if wanted { "is not so" } else { "is so" };
                broken.push(format!("{word} `{}`: {now} ({window})", said.words));
            }
        }
        broken
    }

    /// The end: everything is judged.
    pub fn judge<F: Facts + Dates>(&self, plan: &Plan, facts: &F) -> Judged {
        let mut judged = Judged::default();
        for (held, (said, window)) in self.eventually.iter().zip(&plan.promises.eventually) {
            judged.eventually(*held, said, window, plan, facts);
        }
        let never = plan.promises.never.iter().map(|promise| (promise, "never"));
        let always = plan.promises.always.iter().map(|promise| (promise, "always"));
        for (broken, ((said, window), word)) in self.throughout.iter().zip(never.chain(always)) {
            let how = match broken {
                Some(at) => format!("broken at {at}"),
                None => format!("held ({window})"),
            };
            let that = format!("{word} {}", said.words);
            judged.expectations.push(Expectation { that, held: Some(broken.is_none()), how });
        }
        for said in &plan.promises.finally {
            let held = said.condition.holds(facts);
            let how = if held { "is so at the end" } else { "is not so at the end" };
            if !held {
                judged.broken.push(format!("finally `{}`: {how}", said.words));
            }
            let that = format!("finally {}", said.words);
            judged.expectations.push(Expectation { that, held: Some(held), how: how.into() });
        }
        judged
    }
}

impl Judged {
    fn eventually<F: Dates>(
        &mut self,
        held: Option<Instant>,
        said: &Said,
        window: &Window,
        plan: &Plan,
        facts: &F,
    ) {
        let that = format!("eventually {}", said.words);
        let date = |moment: &Moment| plan.date(moment, |step| facts.fired(step));
        let (held, how) = match (held, date(&window.from)) {
            (Some(at), Some(from)) => {
                let after = Duration::from_millis(at.since(from).as_millis());
                (Some(true), format!("came true at {at}, {after} into {window}"))
            }
            (Some(at), None) => (Some(true), format!("came true at {at}")),
            (None, None) => {
                self.undecided.push(format!("`{}`: {window} never came", said.words));
                (None, format!("{window} never came"))
            }
            (None, Some(_)) => {
                self.broken
                    .push(format!("eventually `{}`: did not come true in {window}", said.words));
                (Some(false), format!("did not come true in {window}"))
            }
        };
        self.expectations.push(Expectation { that, held, how });
    }
}

fn inside<F: Dates>(at: Instant, window: &Window, plan: &Plan, facts: &F) -> bool {
    let date = |moment: &Moment| plan.date(moment, |step| facts.fired(step));
    let (Some(from), Some(to)) = (date(&window.from), date(&window.to)) else {
        // A window that ends with a step that has not fired is open.
        return date(&window.from).is_some_and(|from| from <= at) && date(&window.to).is_none();
    };
    from <= at && at <= to
}
