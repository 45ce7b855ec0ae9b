//! What a run leaves behind for its reader: trails, the state at the end, figures.

use broker::client::describe::{self, PartitionDescription, TopicDescription};
use broker::id::BrokerId;
use machine::{Instant, Machine};
use reports::run::{Kind, Line, Statistics, Table};

use crate::cast::{Seen, Stage};

/// One line of the timeline, as a violation's trail shows it.
pub fn trail(line: &Line) -> String {
    let mark = match line.kind {
        Kind::Fault => "!",
        Kind::Note => " ",
        Kind::Outage => "~",
        Kind::Violation => "x",
    };
    format!("{} {mark} {} {}", Instant::from_micros(line.at), line.who, line.what)
}

/// The servers and the brokers at the end.
pub fn final_state(stage: &Stage) -> Vec<Table> {
    let mut tables = vec![servers(stage)];
    if !stage.kafka.brokers.is_empty() {
        tables.push(brokers(stage));
    }
    tables
}

/// The ensemble, one row for each server.
fn servers(stage: &Stage) -> Table {
    let columns = ["server", "myid", "state", "leader", "epoch", "last zxid", "znodes", "sessions"];
    let rows = stage.servers.iter().map(|node| {
        let name = stage.world.name_of(*node).to_owned();
        let view = stage.world.machine(*node).filter(|_| stage.world.is_up(*node));
        match view.map(Machine::view) {
            Some(Seen::Server(view)) => vec![
                name,
                view.id.to_string(),
                view.state.to_owned(),
                view.leader.map_or("-".to_owned(), |leader| leader.to_string()),
                view.epoch.to_string(),
                view.last.to_string(),
                view.znodes.to_string(),
                view.sessions.to_string(),
            ],
            _ => {
                let exit = stage.world.exit_of(*node);
                let state = exit.map_or("down".to_owned(), |(code, _)| format!("exited {code}"));
                let mut row = vec![name, "-".to_owned(), state];
                row.resize(columns.len(), "-".to_owned());
                row
            }
        }
    });
    let rows = rows.collect();
    Table { columns: columns.map(str::to_owned).to_vec(), rows }
}

/// The brokers, one row for each.
fn brokers(stage: &Stage) -> Table {
    let columns = ["broker", "id", "state", "registered", "leads", "follows"];
    let kafka = &stage.scene.kafka;
    let rows = stage.kafka.brokers.iter().map(|node| {
        let name = stage.world.name_of(*node).to_owned();
        let known = kafka.broker_at(*node);
        // Of two with one number, the one that is registered counts.
        let counts =
            |id: BrokerId| kafka.by_id(id).is_some_and(|key| kafka.broker(key).node == *node);
        let id = known.map_or(BrokerId::NONE, |broker| broker.id);
        let state = match (stage.world.is_up(*node), stage.world.exit_of(*node), known) {
            (true, _, Some(broker)) if kafka.controls(*node).is_some() && broker.is_serving => {
                "controller".to_owned()
            }
            (true, _, Some(broker)) if broker.is_serving => "serving".to_owned(),
            (true, _, None) => "in another cluster".to_owned(),
            (true, ..) => "starting".to_owned(),
            (false, Some((code, _)), _) => format!("exited {code}"),
            (false, None, _) => "down".to_owned(),
        };
        let (mut leads, mut follows) = (0, 0);
        for topic in kafka.describe() {
            for partition in topic.partitions {
                leads += u32::from(counts(id) && partition.leader == id);
                let holds = counts(id) && partition.replicas.contains(&id);
                follows += u32::from(partition.leader != id && holds);
            }
        }
        let registered = if counts(id) && kafka.has_registered(id) { "yes" } else { "no" };
        let (leads, follows) = (leads.to_string(), follows.to_string());
        let id = if id == BrokerId::NONE { "-".to_owned() } else { id.to_string() };
        vec![name, id, state, registered.to_owned(), leads, follows]
    });
    let rows = rows.collect();
    Table { columns: columns.map(str::to_owned).to_vec(), rows }
}

/// The topics as Kafka's own tool describes them, by what ZooKeeper says.
pub fn topics(stage: &Stage) -> String {
    let topics = stage.scene.kafka.describe().into_iter();
    let described: Vec<_> = topics
        .map(|topic| TopicDescription {
            topic: topic.topic,
            configs: topic.config.into_iter().collect(),
            partitions: topic
                .partitions
                .into_iter()
                .map(|one| PartitionDescription {
                    partition: one.number,
                    leader: Some(one.leader),
                    replicas: one.replicas,
                    isr: one.isr,
                })
                .collect(),
        })
        .collect();
    describe::topics(stage.kafka.preset, &described)
}

/// What was simulated; what it cost is measured outside, by whoever has a clock.
pub fn statistics(end: Instant, events: u64) -> Statistics {
    let simulated_seconds = end.as_micros() as f64 / 1e6;
    Statistics { simulated_seconds, events, ..Statistics::default() }
}
