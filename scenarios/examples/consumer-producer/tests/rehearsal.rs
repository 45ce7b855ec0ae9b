//! The rehearsal: the shop serves while a broker dies, and an auditor looks whether every order has its invoice.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use consumer_producer::kafka::Client;
use consumer_producer::{Doubt, Outside, order_of, serve};
use scenarios::guest::{GuestStream, Net, time};
use scenarios::{Failure, Scenario, Unplayable};

/// Sockets and clocks of the simulation.
#[derive(Clone)]
struct Simulated(Net);

impl Outside for Simulated {
    type Stream = GuestStream;

    async fn connect(&self, address: &str) -> io::Result<GuestStream> {
        self.0.connect(address).await
    }

    async fn sleep(&self, span: Duration) {
        time::sleep(span).await;
    }

    fn say(&self, words: String) {
        self.0.say(words);
    }
}

/// Compares the two topics near the end; the shop had three seconds for the last of these orders. That this is a result
/// means that the run waits for it.
async fn audit(net: Net) -> Result<(), String> {
    time::sleep(Duration::from_secs(17)).await;
    let orders = read(&net, "orders").await;
    time::sleep(Duration::from_secs(3)).await;
    let invoices = read(&net, "invoices").await;
    let invoiced: BTreeSet<_> = invoices.iter().map(|(_, invoice)| order_of(invoice)).collect();
    let missing: Vec<_> =
        orders.iter().map(|(order, _)| *order).filter(|order| !invoiced.contains(order)).collect();
    let (orders, invoices) = (orders.len(), invoices.len());
    match missing.is_empty() {
        true => Ok(net.say(format!("{orders} orders, {invoices} invoices, none is missing"))),
        false => Err(format!("{orders} orders, {invoices} invoices; no invoice for {missing:?}")),
    }
}

/// All records of a topic.
async fn read(net: &Net, topic: &str) -> Vec<(i64, bytes::Bytes)> {
    let mut kafka = Client::new(Simulated(net.clone()), net.brokers().to_vec());
    let mut records: Vec<(i64, bytes::Bytes)> = Vec::new();
    loop {
        let next = records.last().map_or(0, |(offset, _)| offset + 1);
        match kafka.fetch(topic, next).await {
            Ok(more) if more.len() < 20 => {
                records.extend(more);
                return records;
            }
            Ok(more) => records.extend(more),
            Err(_) => time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// The scenario with a shop that deals with doubt in this way.
fn scenario(doubt: Doubt) -> Result<Scenario, Unplayable> {
    let shop = move |net: Net| {
        let brokers = net.brokers().to_vec();
        serve(Simulated(net), brokers, doubt)
    };
    Ok(Scenario::open("tests/invoices.toml")?.guest("shop", shop).guest("auditor", audit))
}

/// "It was sent" is not "it was written": with some seed an invoice is under way when the broker dies.
#[test]
fn the_bug_is_found() -> Result<(), Unplayable> {
    let found: Result<_, Failure> = scenario(Doubt::GoOn)?.seeds(1..=60).holds();
    let failure = found.expect_err("an invoice under way is lost with the broker");
    println!("{failure}");
    let seed = failure.seed().expect("it was played");
    let again = scenario(Doubt::GoOn)?.seed(seed).holds().expect_err("that seed alone is enough");
    let print = |failure: &Failure| failure.run().map(|run| run.fingerprint.clone());
    assert_eq!(print(&failure), print(&again));
    assert!(failure.to_string().contains("no invoice for"), "for another reason: {failure}");
    Ok(())
}

/// The same shop, but what is in doubt is sent again.
#[test]
fn every_order_has_its_invoice() -> Result<(), Unplayable> {
    scenario(Doubt::SendAgain)?.seeds(1..=12).assert_holds();
    Ok(())
}
