//! Scenarios written in Rust, one word for each word of the language.
//!
//! What is built is written down as a scenario file and read like one, so there is one definition of the language, and
//! mistakes are shown as they would be in a file. [`Builder::text`] is that file.

mod parts;
mod promises;
mod steps;
mod value;

pub use parts::{Client, Cluster, Topic, Work};
pub use parts::{
    client, cluster, consume, lock, multi, produce, read, sequence, topic, watch, write,
};
pub use promises::{Promise, always, eventually, finally, loses, never, outage, sometimes};
pub use steps::*;
pub use value::{Table, Value};

use super::{Scenario, Unplayable};
use crate::script;

/// A scenario that is being written; see [`Scenario::build`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    name: String,
    head: Table,
    cluster: Table,
    hosts: Table,
    clients: Vec<Table>,
    steps: Vec<Value>,
    expect: Table,
}

impl Scenario {
    /// Begins a scenario of this name.
    ///
    /// ```
    /// # fn main() -> Result<(), scenarios::Unplayable> {
    /// use scenarios::Scenario;
    /// use scenarios::build::*;
    ///
    /// let scenario = Scenario::build("orders-survive-a-broker")
    ///     .duration("30s")
    ///     .cluster(cluster().zookeepers(3).brokers(3).kafka("2.5").topic(topic("orders").partitions(1)))
    ///     .client(client("shop").does(produce("orders").rate("5/s")))
    ///     .step(kill("kafka-*").id("down").at("12s"))
    ///     .expect(outage("produce(shop)").opens("down..down + 1s").closes("never"))
    ///     .ready()?;
    /// # drop(scenario);
    /// # Ok(())
    /// # }
    /// ```
    pub fn build(name: &str) -> Builder {
        let mut builder = Builder { name: name.to_owned(), ..Builder::default() };
        builder.head.set("name", name);
        builder
    }
}

impl Builder {
    /// Its story.
    #[must_use]
    pub fn about(self, story: &str) -> Self {
        self.with("about", story)
    }

    /// How long it is played, in simulated time: `60s`.
    #[must_use]
    pub fn duration(self, duration: impl Into<Value>) -> Self {
        self.with("duration", duration)
    }

    /// The cluster it is played on, unless [`Scenario::on`] names another.
    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = cluster.table;
        self
    }

    /// A machine that carries these nodes and loses power with them.
    #[must_use]
    pub fn host(mut self, name: &str, nodes: impl Into<Value>) -> Self {
        self.hosts.set(name, nodes);
        self
    }

    /// One more client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client.table);
        self
    }

    /// One more step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step.table.into());
        self
    }

    /// One more promise.
    #[must_use]
    pub fn expect(mut self, promise: Promise) -> Self {
        self.expect.push(promise.key, promise.value());
        self
    }

    /// Sets a key at the top of the scenario by its name in the language.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.head.set(key, value);
        self
    }

    /// The scenario file that says the same.
    pub fn text(&self) -> String {
        let mut text = self.head.lines();
        let mut section = |head: &str, table: &Table| {
            text.push_str(&format!("\n{head}\n{}", table.lines()));
        };
        section("[cluster]", &self.cluster);
        if !self.hosts.0.is_empty() {
            section("[hosts]", &self.hosts);
        }
        for client in &self.clients {
            section("[[clients]]", client);
        }
        if !self.steps.is_empty() {
            let steps = Value::List(self.steps.clone());
            section("[timeline]", &Table(vec![("steps".to_owned(), steps)]));
        }
        if !self.expect.0.is_empty() {
            section("[expect]", &self.expect);
        }
        text
    }

    /// The scenario, to be played.
    ///
    /// # Errors
    /// Something is wrong with it: everything, with places in [`Self::text`].
    pub fn ready(&self) -> Result<Scenario, Unplayable> {
        let name = format!("{} (built)", self.name);
        Ok(Scenario::of(script::parse(&self.text(), &name)?, None))
    }
}
