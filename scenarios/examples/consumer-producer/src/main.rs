//! The service on real sockets: `consumer-producer HOST:PORT…` with the addresses of brokers.

use std::io;
use std::time::Duration;

use consumer_producer::{Doubt, Outside, serve};
use tokio::net::TcpStream;

/// Sockets and clocks of this computer.
#[derive(Clone)]
struct Computer;

impl Outside for Computer {
    type Stream = TcpStream;

    async fn connect(&self, address: &str) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn say(&self, words: String) {
        println!("{words}");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let brokers: Vec<_> = std::env::args().skip(1).collect();
    if brokers.is_empty() {
        eprintln!("usage: consumer-producer HOST:PORT…, the addresses of brokers");
        std::process::exit(2);
    }
    serve(Computer, brokers, Doubt::SendAgain).await;
}
