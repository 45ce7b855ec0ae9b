//! The brokers of `rehearsal up`: each listens and is advertised on a loopback port of its own, so that clients find it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use broker::config::Config;
use broker::mechanism::Preset;
use broker::node::Broker;
use sim::live::{Live, NodeSpec};

use crate::args::UpArgs;

/// The port a broker believes to have.
const PORT: u16 = 9092;

/// Starts them; gives their names and addresses.
pub fn start(
    live: &mut Live,
    args: &UpArgs,
    connect: &str,
    first_port: Option<u16>,
    folder: &Path,
) -> Result<Vec<(String, SocketAddr)>, String> {
    let preset = Preset::named(&args.kafka).ok_or_else(|| {
        let known = Preset::ALL.map(Preset::name).join(", ");
        format!("version {} of Kafka is not modelled; there is {known}", args.kafka)
    })?;
    let mut brokers = Vec::new();
    for number in 1..=args.brokers {
        let name = format!("kafka-{number}");
        let address = place(live, &name, number, first_port)?;
        brokers.push((name, address));
    }
    let replicas = args.brokers.min(3);
    for ((name, address), id) in brokers.iter().zip(1..) {
        let config = config(id, *address, connect, replicas, preset)?;
        let root = folder.join(name);
        let spec = NodeSpec { name: name.clone(), aliases: Vec::new(), root };
        live.start(spec, move |_| Broker::new(config.clone()))
            .map_err(|error| format!("cannot start {name}: {error}"))?;
    }
    Ok(brokers)
}

/// One line for each, and the `bootstrap.servers` of them all.
pub fn described(brokers: &[(String, SocketAddr)], folder: &Path) -> String {
    if brokers.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (name, address) in brokers {
        let data = folder.join(name).join("kafka");
        text.push_str(&format!("{name}  {address}  {}\n", data.display()));
    }
    let all: Vec<String> = brokers.iter().map(|(_, address)| address.to_string()).collect();
    text.push_str(&format!("bootstrap  {}\n", all.join(",")));
    text
}

fn place(
    live: &mut Live,
    name: &str,
    number: u16,
    first_port: Option<u16>,
) -> Result<SocketAddr, String> {
    let Some(first) = first_port else {
        return live.reserve(name, PORT).map_err(|error| format!("no port is free: {error}"));
    };
    let port = first
        .checked_add(number - 1)
        .ok_or_else(|| format!("there are not enough ports after {first}"))?;
    let place = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    drop(TcpListener::bind(place).map_err(|error| format!("cannot use {place}: {error}"))?);
    live.place(name, PORT, place);
    Ok(place)
}

fn config(
    id: u16,
    address: SocketAddr,
    connect: &str,
    replicas: u16,
    preset: Preset,
) -> Result<Config, String> {
    let settings = [
        ("broker.id", id.to_string()),
        ("listeners", format!("PLAINTEXT://{address}")),
        ("zookeeper.connect", connect.to_owned()),
        ("log.dirs", "/kafka".to_owned()),
        ("default.replication.factor", replicas.to_string()),
    ];
    let settings: Vec<_> =
        settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Config::from_properties(&settings, preset, preset.mechanisms())
        .map(|(config, _)| config)
        .map_err(|error| error.to_string())
}
