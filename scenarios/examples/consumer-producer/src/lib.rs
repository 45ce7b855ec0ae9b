//! Every order gets an invoice: reads `orders`, writes to `invoices`. Runs on real sockets (`main.rs`) and, unchanged, as a
//! guest in a rehearsal (`tests/rehearsal.rs`); what differs is behind [`Outside`].

pub mod kafka;

use std::io;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use kafka::{Client, Error};

/// What the service needs of the world: connections and time.
pub trait Outside: Clone + Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Connects to `host:port`.
    fn connect(&self, address: &str) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Waits.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send;

    /// Says something to whoever operates it.
    fn say(&self, words: String);
}

/// What to do when nobody knows whether an invoice was written: the connection broke, or the answer did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// "It was sent, and sending it again would make two of it." The bug.
    GoOn,
    /// Only what is acknowledged is done. Two invoices can be told apart by their order; none can not.
    SendAgain,
}

/// Serves for ever. What was done before is seen from the last invoice.
pub async fn serve<O: Outside>(outside: O, brokers: Vec<String>, doubt: Doubt) {
    let mut kafka = Client::new(outside.clone(), brokers);
    let mut next = loop {
        match kafka.last("invoices").await {
            Ok(invoice) => break invoice.map_or(0, |invoice| order_of(&invoice) + 1),
            Err(_) => outside.sleep(Duration::from_millis(500)).await,
        }
    };
    outside.say(format!("begins with order {next}"));
    loop {
        let Ok(orders) = kafka.fetch("orders", next).await else {
            outside.sleep(Duration::from_millis(200)).await;
            continue;
        };
        for (order, _) in orders {
            invoice(&outside, &mut kafka, order, doubt).await;
            next = order + 1;
        }
    }
}

/// Writes the invoice of an order.
async fn invoice<O: Outside>(outside: &O, kafka: &mut Client<O>, order: i64, doubt: Doubt) {
    let invoice = Bytes::from(format!("invoice of order {order}"));
    loop {
        match kafka.produce("invoices", invoice.clone()).await {
            Ok(()) => return,
            Err(Error::Unknown(why)) if doubt == Doubt::GoOn => {
                outside.say(format!("order {order}: {why}; it was sent, going on"));
                return;
            }
            Err(Error::Unknown(_) | Error::NotDone(_)) => {
                outside.sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

/// The order that an invoice is of; -1 if it is none of ours.
pub fn order_of(invoice: &[u8]) -> i64 {
    let text = std::str::from_utf8(invoice).unwrap_or_default();
    text.rsplit(' ').next().and_then(|order| order.parse().ok()).unwrap_or(-1)
}
