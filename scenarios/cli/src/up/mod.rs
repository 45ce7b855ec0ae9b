//! `rehearsal up`: the same servers and brokers on this computer's sockets and files, for clients of any kind. Nothing is
//! simulated and nothing is checked.

mod brokers;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use coordinator::config::Config;
use coordinator::mechanism::{Mechanisms, Preset};
use coordinator::node::Coordinator;
use sim::live::{Live, NodeSpec, Options};
use tracing_subscriber::EnvFilter;

use crate::Exit;
use crate::args::UpArgs;
use crate::terminal;

/// How long a server or broker may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Ports of servers among themselves, by the names they have among themselves.
const PEER_PORTS: [u16; 2] = [2888, 3888];
/// The port for clients that the first server believes to have.
const CLIENT_PORT: u16 = 2181;

/// Starts the servers and serves until asked to end.
pub fn up(args: &UpArgs) -> Exit {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal::err().colour)
        .with_target(false)
        .init();
    match serve(args) {
        Ok(exit) => exit,
        Err(what) => {
            terminal::complain(&what, None);
            Exit::Broken
        }
    }
}

fn serve(args: &UpArgs) -> Result<Exit, String> {
    let count = usize::from(args.zookeepers);
    let first_broker_port =
        args.port.map(|base| u16::try_from(usize::from(base) + count).unwrap_or(u16::MAX));
    let names: Vec<String> = (1..=count).map(|number| format!("zk-{number}")).collect();
    let folder = folder(args.data.as_deref())?;
    let wrong = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let mut live = Live::new(Options::default());
    // Before anybody reads an address, and may ask us to end.
    live.listen().map_err(|e| wrong("cannot listen for signals", e))?;
    let mut addresses = Vec::new();
    for (index, name) in names.iter().enumerate() {
        for port in PEER_PORTS {
            live.reserve(name, port).map_err(|e| wrong("no port is free", e))?;
        }
        addresses.push(client_place(&mut live, name, index, args.port)?);
    }
    for (index, name) in names.iter().enumerate() {
        let config = config(&names, index)?;
        let root = folder.join(name);
        let spec = NodeSpec { name: name.clone(), aliases: Vec::new(), root };
        live.start(spec, move |_| Coordinator::new(config.clone()))
            .map_err(|e| wrong(&format!("cannot start {name}"), e))?;
    }
    let connect: Vec<String> =
        names.iter().enumerate().map(|(i, name)| format!("{name}:{}", client_port(i))).collect();
    let brokers = brokers::start(&mut live, args, &connect.join(","), first_broker_port, &folder)?;
    let mut text = String::new();
    for (name, address) in names.iter().zip(&addresses) {
        let data = folder.join(name).join("data");
        text.push_str(&format!("{name}  {address}  {}\n", data.display()));
    }
    let all: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    text.push_str(&format!("connect  {}\n", all.join(",")));
    text.push_str(&brokers::described(&brokers, &folder));
    terminal::print(&text);

    let all: Vec<&String> = brokers.iter().map(|(name, _)| name).chain(&names).collect();
    live.serve(|live, _| all.iter().any(|name| live.is_running(name)))
        .map_err(|e| wrong("cannot listen for signals", e))?;
    let is_asked = all.iter().any(|name| live.is_running(name));
    // Brokers first: a controlled shutdown needs ZooKeeper.
    for name in all {
        live.stop(name, PATIENCE);
    }
    if !is_asked {
        terminal::complain("all servers have ended by themselves", None);
    }
    Ok(if is_asked { Exit::Pass } else { Exit::Fail })
}

/// Where the files go: a full path, so that it can be found.
fn folder(given: Option<&Path>) -> Result<PathBuf, String> {
    let Some(given) = given else {
        let made = tempfile::Builder::new().prefix("rehearsal-").tempdir();
        return made.map(tempfile::TempDir::keep).map_err(|e| format!("no temporary folder: {e}"));
    };
    std::fs::create_dir_all(given)
        .and_then(|()| given.canonicalize())
        .map_err(|error| format!("cannot use the folder `{}`: {error}", given.display()))
}

/// The address clients find a server at.
fn client_place(
    live: &mut Live,
    name: &str,
    index: usize,
    base: Option<u16>,
) -> Result<SocketAddr, String> {
    let believed = client_port(index);
    let Some(base) = base else {
        return live.reserve(name, believed).map_err(|error| format!("no port is free: {error}"));
    };
    let port = u16::try_from(usize::from(base) + index)
        .map_err(|_| format!("there are not enough ports after {base}"))?;
    let place = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Asked now, so that a port in use is said plainly; the server itself binds it later.
    drop(TcpListener::bind(place).map_err(|error| format!("cannot use {place}: {error}"))?);
    live.place(name, believed, place);
    Ok(place)
}

/// Each server has a number of its own, as if all were on one machine.
fn client_port(index: usize) -> u16 {
    CLIENT_PORT + u16::try_from(index).expect("there are at most 99 servers")
}

fn config(names: &[String], index: usize) -> Result<Config, String> {
    let mut settings = vec![
        ("tickTime".to_owned(), "2000".to_owned()),
        ("initLimit".to_owned(), "10".to_owned()),
        ("syncLimit".to_owned(), "5".to_owned()),
        ("dataDir".to_owned(), "/data".to_owned()),
        ("clientPortAddress".to_owned(), names[index].clone()),
        ("clientPort".to_owned(), client_port(index).to_string()),
    ];
    if names.len() > 1 {
        let [quorum, election] = PEER_PORTS;
        for (number, name) in (1..).zip(names) {
            settings.push((format!("server.{number}"), format!("{name}:{quorum}:{election}")));
        }
    }
    let myid = (names.len() > 1).then(|| (index + 1).to_string());
    let (preset, mechanisms) = (Preset::Fixed, Mechanisms::default());
    Config::from_properties(&settings, myid.as_deref(), preset, mechanisms)
        .map(|(config, _)| config)
        .map_err(|error| format!("{}: {error}", names[index]))
}
