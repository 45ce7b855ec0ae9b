//! When clients could not do their work, and whether somebody had announced it.
//!
//! An outage of an operation opens when one was asked for that was lost, or that waited longer than [`PATIENCE`], and
//! closes with the next answer. A producer is out when batches wait and no answer has come from their partition that long,
//! or one was given up; a consumer while a record is committed that long and has not come. An outage of a session lasts
//! from losing the connection to having one again. Nothing counts before a client's first success: it has not begun to work.
//! A client without a process waits for nothing: its outages end with it, and its next life begins anew. One that is paused
//! does not wait either; what it still wants when it goes on, it waits for from then on.

mod records;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use coordinator::note::{ClientNote, Outcome};
use machine::{Duration, Instant};
use reports::run;
use sim::world::NodeId;

use crate::cast::{Said, Stage};
use crate::plan::{Outage as Announced, Plan};
use crate::scene::{Moment, Scene};
use crate::script::client::Work;
use crate::script::expect::Closes;
use crate::script::time::{Moment as Date, Window};

use records::{Heard, Waits};

/// An operation that waits longer than this is an outage.
const PATIENCE: Duration = Duration::from_secs(1);

/// All outages of a run.
#[derive(Debug)]
pub struct Outages {
    clients: BTreeMap<NodeId, Watched>,
    /// Those that wait for what brokers commit.
    consumers: Vec<NodeId>,
    /// The earliest operation that waits, to look no further than needed.
    next_overdue: Instant,
}

/// One client, by its work and by its session.
#[derive(Debug)]
struct Watched {
    name: String,
    work: &'static str,
    /// What it waits for, if it is a Kafka client.
    waits: Option<Waits>,
    /// Since when it runs without a pause; `NEVER` while it is paused.
    runs_since: Instant,
    operation: Service,
    session: Service,
}

/// One service of one client.
#[derive(Debug, Default)]
struct Service {
    begun: bool,
    open: Option<Instant>,
    past: Vec<(Instant, Option<Instant>)>,
}

impl Service {
    fn down(&mut self, since: Instant) -> bool {
        let opens = self.begun && self.open.is_none();
        if opens {
            self.open = Some(since);
        }
        opens
    }

    fn up(&mut self, at: Instant) -> Option<Instant> {
        self.begun = true;
        let from = self.open.take()?;
        self.past.push((from, Some(at)));
        Some(from)
    }

    /// Nobody is there to be served: whether somebody was waiting.
    fn over(&mut self, at: Instant) -> bool {
        let open = self.open.take();
        self.past.extend(open.map(|from| (from, Some(at))));
        open.is_some()
    }
}

/// When steps fired, by id.
pub type Fired = BTreeMap<String, Vec<Instant>>;

impl Outages {
    /// Nobody works yet.
    pub fn new(plan: &Plan, stage: &Stage) -> Self {
        let watch = |(client, node): (&crate::plan::Client, &NodeId)| {
            let watched = Watched {
                name: client.id.clone(),
                work: client.work.word(),
                waits: waits(&client.work),
                runs_since: Instant::ZERO,
                operation: Service::default(),
                session: Service::default(),
            };
            (*node, watched)
        };
        let clients: BTreeMap<_, _> = plan.clients.iter().zip(&stage.clients).map(watch).collect();
        let consumes = |(_, client): &(_, &Watched)| client.work == "consume";
        let consumers = clients.iter().filter(consumes).map(|(node, _)| *node).collect();
        Self { clients, consumers, next_overdue: Instant::NEVER }
    }

    /// A step fired. Announcements are judged at the end; nothing to do now.
    pub fn fired(&mut self, _step: &str, _at: Instant) {}

    /// A process has ended. Gives lines for the timeline.
    pub fn ended(&mut self, node: NodeId, at: Instant) -> Vec<(String, String)> {
        let Some(client) = self.clients.get_mut(&node) else { return Vec::new() };
        if let Some(waits) = &mut client.waits {
            waits.forget();
        }
        client.runs_since = at;
        let lines = client.over(at, "is out no more: its client has ended");
        (client.operation.begun, client.session.begun) = (false, false);
        lines
    }

    /// A process is paused. Gives lines for the timeline.
    pub fn paused(&mut self, node: NodeId, at: Instant) -> Vec<(String, String)> {
        let Some(client) = self.clients.get_mut(&node) else { return Vec::new() };
        client.runs_since = Instant::NEVER;
        client.over(at, "is out no more: its client is paused")
    }

    /// A paused process goes on.
    pub fn resumed(&mut self, node: NodeId, at: Instant) {
        let Some(client) = self.clients.get_mut(&node) else { return };
        if client.runs_since == Instant::NEVER {
            client.runs_since = at;
            self.next_overdue = self.next_overdue.min(at + PATIENCE);
        }
    }

    /// Somebody said something. Gives lines for the timeline.
    pub fn see(&mut self, moment: &Moment, said: &Said) -> Vec<(String, String)> {
        match said {
            Said::Client(note) => self.see_session(moment, note),
            Said::Kafka(note) => {
                let Some(client) = self.clients.get_mut(&moment.node) else { return Vec::new() };
                let Some(waits) = &mut client.waits else { return Vec::new() };
                let heard = waits.hear(note, moment.at);
                self.heard(moment.node, heard, moment.at)
            }
            Said::Broker(note) => {
                for index in 0..self.consumers.len() {
                    let node = self.consumers[index];
                    let client = self.clients.get_mut(&node).expect("it is one of them");
                    let waits = client.waits.as_mut().expect("a consumer waits for records");
                    if waits.overhear(note, moment.at) == Heard::Began {
                        self.next_overdue = self.next_overdue.min(moment.at + PATIENCE);
                    }
                }
                Vec::new()
            }
            Said::Server(_) | Said::Guest(_) => Vec::new(),
        }
    }

    fn heard(&mut self, node: NodeId, heard: Heard, at: Instant) -> Vec<(String, String)> {
        let client = self.clients.get_mut(&node).expect("it was just asked");
        match heard {
            Heard::Nothing => Vec::new(),
            Heard::Began => {
                self.next_overdue = self.next_overdue.min(at + PATIENCE);
                Vec::new()
            }
            Heard::Served => {
                // Of several partitions one may be served while another is not.
                if client.operation.open.is_some() {
                    let oldest = client.waits.as_ref().and_then(Waits::oldest);
                    let oldest = oldest.map(|since| since.max(client.runs_since));
                    if oldest.is_some_and(|since| since + PATIENCE <= at) {
                        return Vec::new();
                    }
                }
                closed_lazily(client, at)
            }
            Heard::Lost(since) => {
                if !client.operation.down(since.max(client.runs_since)) {
                    return Vec::new();
                }
                vec![(client.label(), "is out: a batch was given up".to_owned())]
            }
        }
    }

    fn see_session(&mut self, moment: &Moment, note: &ClientNote) -> Vec<(String, String)> {
        let Some(client) = self.clients.get_mut(&moment.node) else { return Vec::new() };
        match note {
            ClientNote::Connected { .. } => {
                let name = format!("session({})", client.name);
                closed(name, client.session.up(moment.at), moment.at)
            }
            ClientNote::Disconnected(_) => {
                client.session.down(moment.at);
                Vec::new()
            }
            ClientNote::Invoked { .. } => {
                self.next_overdue = self.next_overdue.min(moment.at + PATIENCE);
                Vec::new()
            }
            ClientNote::Completed { outcome, .. } => {
                let name = client.label();
                match outcome {
                    Outcome::ConnectionLoss | Outcome::SessionExpired => {
                        if !client.operation.down(moment.at) {
                            return Vec::new();
                        }
                        vec![(name, "is out: an operation was lost".to_owned())]
                    }
                    _ => closed(name, client.operation.up(moment.at), moment.at),
                }
            }
            _ => Vec::new(),
        }
    }

    /// Time passed: operations that wait too long are outages since they were asked for.
    pub fn pass(&mut self, at: Instant, scene: &Scene) -> Vec<(String, String)> {
        if at < self.next_overdue {
            return Vec::new();
        }
        let mut lines = Vec::new();
        self.next_overdue = Instant::NEVER;
        let run = self.clients.iter_mut().filter(|(_, one)| one.runs_since != Instant::NEVER);
        for (node, client) in run {
            let since = match &client.waits {
                Some(waits) => waits.oldest(),
                None => scene
                    .clients
                    .get(node)
                    .and_then(|waiting| waiting.waiting.values().map(|asked| asked.at).min()),
            };
            let Some(since) = since else { continue };
            let since = since.max(client.runs_since);
            if since + PATIENCE > at {
                self.next_overdue = self.next_overdue.min(since + PATIENCE);
            } else if client.operation.down(since) {
                let what = format!("is out: no answer since {since}");
                lines.push((client.label(), what));
            }
        }
        lines
    }

    /// The end: every outage needs an announcement, every announcement that must come true an outage.
    pub fn judge(
        &mut self,
        end: Instant,
        plan: &Plan,
        fired: &Fired,
    ) -> (Vec<run::Outage>, Vec<(Instant, String)>) {
        let mut outages = Vec::new();
        let mut broken = Vec::new();
        let mut met = vec![Vec::new(); plan.promises.outages.len()];
        for client in self.clients.values_mut() {
            let (name, work) = (client.name.clone(), client.work);
            for (word, service) in [(work, &mut client.operation), ("session", &mut client.session)]
            {
                if let Some(from) = service.open.take() {
                    service.past.push((from, None));
                }
                for (from, to) in &service.past {
                    let of = format!("{word}({name})");
                    let fits = plan.promises.outages.iter().position(|announced| {
                        announced.work == word
                            && announced.clients.contains(&name)
                            && fits(announced, *from, *to, end, plan, fired)
                    });
                    match fits {
                        Some(index) => met[index].push(name.clone()),
                        None => broken.push((*from, unannounced(&of, *from, *to, plan, fired))),
                    }
                    let expected = fits.map(|index| words(&plan.promises.outages[index]));
                    let to = to.map(|to| to.as_micros());
                    outages.push(run::Outage { of, from: from.as_micros(), to, expected });
                }
            }
        }
        for (announced, met) in plan.promises.outages.iter().zip(&met) {
            let hung = window_of(&announced.opens, plan, fired);
            for client in announced.clients.iter().filter(|client| !met.contains(client)) {
                if announced.must && !hung.is_empty() {
                    let of = format!("{}({client})", announced.work);
                    let message = format!("announced and did not come: {of} {}", words(announced));
                    broken.push((end, message));
                }
            }
        }
        outages.sort_by(|a, b| (a.from, &a.of).cmp(&(b.from, &b.of)));
        broken.sort();
        (outages, broken)
    }
}

impl Watched {
    fn label(&self) -> String {
        format!("{}({})", self.work, self.name)
    }

    /// It waits for nothing any more.
    fn over(&mut self, at: Instant, why: &str) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if self.operation.over(at) {
            lines.push((self.label(), why.to_owned()));
        }
        if self.session.over(at) {
            lines.push((format!("session({})", self.name), why.to_owned()));
        }
        lines
    }
}

/// Most answers end no outage: then nothing is put into words.
fn closed_lazily(client: &mut Watched, at: Instant) -> Vec<(String, String)> {
    match client.operation.up(at) {
        None => Vec::new(),
        from => closed(client.label(), from, at),
    }
}

/// What a client waits for, if it is one of Kafka's.
fn waits(work: &Work) -> Option<Waits> {
    match work {
        Work::Produce(_) => Some(Waits::answers()),
        Work::Consume(consume) => Some(Waits::records(&consume.topic)),
        _ => None,
    }
}

fn closed(of: String, from: Option<Instant>, at: Instant) -> Vec<(String, String)> {
    let line = |from: Instant| (of, format!("works again after {}", in_ms(at.since(from))));
    from.map(line).into_iter().collect()
}

fn unannounced(of: &str, from: Instant, to: Option<Instant>, plan: &Plan, fired: &Fired) -> String {
    let until = to.map_or("the end".to_owned(), |to| to.to_string());
    let near = plan.promises.outages.iter().filter(|one| {
        let mine = one.clients.iter().any(|client| of == format!("{}({client})", one.work));
        mine && window_of(&one.opens, plan, fired).iter().any(|(a, b)| *a <= from && from <= *b)
    });
    match near.map(words).next() {
        Some(words) => {
            format!("{of} was out from {from} to {until}, other than announced ({words})")
        }
        None => format!("{of} was out from {from} to {until}, and nobody announced it"),
    }
}

/// An announcement in words.
fn words(announced: &Announced) -> String {
    let closes = match &announced.closes {
        Closes::Anytime => String::new(),
        Closes::Within(window) => format!(", closes {window}"),
        Closes::Never => ", never closes".to_owned(),
    };
    let lasts = announced.lasts;
    let lasts = if lasts.min.is_none() && lasts.max.is_none() {
        String::new()
    } else {
        format!(", lasts {lasts}")
    };
    format!("opens {}{closes}{lasts}", announced.opens)
}

fn fits(
    announced: &Announced,
    from: Instant,
    to: Option<Instant>,
    end: Instant,
    plan: &Plan,
    fired: &Fired,
) -> bool {
    let opens = window_of(&announced.opens, plan, fired);
    let in_time = opens.iter().any(|(first, last)| {
        // An operation that was under way when the window began was asked for just before it.
        let under_way =
            from < *first && first.since(from) <= PATIENCE && to.is_none_or(|to| *first < to);
        under_way || (*first <= from && from <= *last)
    });
    let closes = match (&announced.closes, to) {
        (Closes::Anytime, _) => true,
        (Closes::Never, to) => to.is_none(),
        (Closes::Within(window), Some(to)) => {
            window_of(window, plan, fired).iter().any(|(first, last)| *first <= to && to <= *last)
        }
        (Closes::Within(_), None) => false,
    };
    let length = to.unwrap_or(end).since(from);
    let lasts = announced.lasts.min.is_none_or(|min| min <= length)
        && announced.lasts.max.is_none_or(|max| length <= max);
    in_time && closes && lasts
}

/// The dates of a window: one for each firing of the step its beginning hangs on.
fn window_of(window: &Window, plan: &Plan, fired: &Fired) -> Vec<(Instant, Instant)> {
    use crate::script::time::Anchor;
    let firings = |moment: &Date| match &moment.anchor {
        Anchor::Step(step) => fired.get(step).map_or(0, Vec::len),
        _ => 1,
    };
    let rounds = firings(&window.from).max(firings(&window.to));
    let date = |moment: &Date, round: usize| {
        plan.date(moment, |step| {
            let firings = fired.get(step)?;
            firings.get(round).or(firings.last()).copied()
        })
    };
    (0..rounds)
        .filter_map(|round| Some((date(&window.from, round)?, date(&window.to, round)?)))
        .collect()
}

/// A span rounded to ms, for people.
fn in_ms(span: Duration) -> Duration {
    Duration::from_millis(span.as_millis())
}
