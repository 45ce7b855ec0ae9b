//! Who finds whom: networks, aliases, `localhost`, and what a listener is bound to.

use machine::{Closed, Peer};
use sim::world::{Fault, HostId, HostSpec, NodeId, World};

use crate::toys::{Toy, ms};

fn spec(name: &str, networks: &[(&str, &[&str])]) -> HostSpec {
    let networks = networks.iter().map(|(network, aliases)| {
        (network.to_string(), aliases.iter().map(|alias| alias.to_string()).collect())
    });
    HostSpec { name: name.into(), networks: networks.collect() }
}

struct Town {
    world: World<Toy>,
    server: NodeId,
    homes: [HostId; 3],
}

/// `db` is on both networks, `app` on the front, `cron` on the back; a server on `db` listens on
/// `address`; port 8 of `app` is port 1 of `db`.
fn town(address: &'static str) -> Town {
    let mut world = World::new(1);
    let db = world.add_host(spec("db", &[("front", &["db", "sql"]), ("back", &["db", "store"])]));
    let app = world.add_host(spec("app", &[("front", &["app"])]));
    let cron = world.add_host(spec("cron", &[("back", &["cron"])]));
    world.forward(app, 8, db, 1);
    let server = world.add_node("server", db, move |_| Toy::listening(address));
    world.apply(&Fault::Boot { node: server });
    Town { world, server, homes: [db, app, cron] }
}

/// Dials from a host and says what comes of it: the address the server sees, or why not.
fn dial(listen: &'static str, home: usize, address: &'static str) -> Result<String, Closed> {
    let Town { mut world, server, homes } = town(listen);
    world.add_node("client", homes[home], |_| Toy::new());
    let client = NodeId(1);
    world.apply(&Fault::Boot { node: client });
    while world.step_until(ms(5)).is_some() {}
    let mut world = redial(world, homes[home], address);
    while world.step_until(ms(50)).is_some() {}
    let dialler = world.machine(NodeId(2)).expect("it runs");
    if let Some((_, _, why)) = dialler.closed.first() {
        return Err(*why);
    }
    let server = world.machine(server).expect("it runs");
    match &server.opened[0].2 {
        Peer::Accepted { from, .. } => Ok(from.to_string()),
        Peer::Dialled => unreachable!("the server dials nobody"),
    }
}

fn redial(mut world: World<Toy>, home: HostId, address: &'static str) -> World<Toy> {
    let act: crate::toys::Act = match address {
        "db:1" => |_, cx| {
            cx.dial("db:1");
        },
        "sql:1" => |_, cx| {
            cx.dial("sql:1");
        },
        "store:1" => |_, cx| {
            cx.dial("store:1");
        },
        "localhost:1" => |_, cx| {
            cx.dial("localhost:1");
        },
        "127.0.0.1:1" => |_, cx| {
            cx.dial("127.0.0.1:1");
        },
        "localhost:8" => |_, cx| {
            cx.dial("localhost:8");
        },
        "app:8" => |_, cx| {
            cx.dial("app:8");
        },
        "db:2" => |_, cx| {
            cx.dial("db:2");
        },
        "db" => |_, cx| {
            cx.dial("db");
        },
        other => unreachable!("no test dials {other}"),
    };
    let node = world.add_node("dialler", home, move |_| Toy::new().at(10, act));
    world.apply(&Fault::Boot { node });
    world
}

const DB: usize = 0;
const APP: usize = 1;
const CRON: usize = 2;

#[test]
fn names_are_those_of_a_shared_network() {
    assert_eq!(dial("0.0.0.0:1", APP, "db:1"), Ok("app".into()));
    assert_eq!(dial("0.0.0.0:1", APP, "sql:1"), Ok("app".into()));
    assert_eq!(dial("0.0.0.0:1", APP, "store:1"), Err(Closed::UnknownName));
    assert_eq!(dial("0.0.0.0:1", CRON, "store:1"), Ok("cron".into()));
    assert_eq!(dial("0.0.0.0:1", APP, "db"), Err(Closed::UnknownName), "a port is missing");
}

#[test]
fn localhost_is_where_one_stands() {
    assert_eq!(dial("0.0.0.0:1", DB, "localhost:1"), Ok("127.0.0.1".into()));
    assert_eq!(dial("0.0.0.0:1", APP, "localhost:1"), Err(Closed::Refused));
    assert_eq!(dial("0.0.0.0:1", DB, "db:2"), Err(Closed::Refused));
}

#[test]
fn a_published_port_leads_to_another_host() {
    assert_eq!(dial("0.0.0.0:1", APP, "localhost:8"), Ok("app".into()));
    assert_eq!(dial("0.0.0.0:1", DB, "app:8"), Ok("db".into()), "by any name, from anywhere");
    assert_eq!(dial("sql:1", APP, "localhost:8"), Ok("app".into()));
    assert_eq!(dial("localhost:1", APP, "localhost:8"), Err(Closed::Refused));
    assert_eq!(dial("0.0.0.0:1", DB, "localhost:8"), Err(Closed::Refused), "elsewhere");
}

#[test]
fn a_listener_takes_only_what_it_is_bound_to() {
    assert_eq!(dial("localhost:1", APP, "db:1"), Err(Closed::Refused));
    assert_eq!(dial("localhost:1", DB, "127.0.0.1:1"), Ok("127.0.0.1".into()));
    assert_eq!(dial("sql:1", APP, "db:1"), Ok("app".into()));
    assert_eq!(dial("sql:1", CRON, "db:1"), Err(Closed::Refused), "bound to the front only");
    assert_eq!(dial("sql:1", DB, "localhost:1"), Err(Closed::Refused));
}

#[test]
fn a_port_can_be_taken_once_and_only_at_ones_own_address() {
    let said = |second: &'static str| {
        let Town { mut world, homes, .. } = town("0.0.0.0:1");
        let node = world.add_node("second", homes[DB], move |_| Toy::listening(second));
        world.apply(&Fault::Boot { node });
        let mut said = Vec::new();
        while let Some(step) = world.step_until(ms(5)) {
            said.extend(step.notes.iter().map(|note| note.0.clone()));
        }
        said.join("")
    };
    assert_eq!(said("db:2"), "");
    assert_eq!(said("db:1"), "cannot listen on db:1: AddressInUse");
    assert_eq!(said("app:2"), "cannot listen on app:2: NotOurAddress");
    assert_eq!(said("nonsense"), "cannot listen on nonsense: NotOurAddress");
}

#[test]
fn a_host_dies_whole_and_its_ports_are_free_again() {
    let Town { mut world, server, homes } = town("0.0.0.0:1");
    let second = world.add_node("second", homes[DB], |_| Toy::listening("0.0.0.0:1"));
    while world.step_until(ms(5)).is_some() {}
    world.apply(&Fault::PowerLoss { host: homes[DB] });
    assert!(!world.is_up(server) && !world.reachable(homes[APP], homes[DB]));
    world.apply(&Fault::Restart { node: second });
    assert!(world.reachable(homes[APP], homes[DB]));
    assert!(!world.reachable(homes[APP], homes[CRON]), "they share no network");
    let mut notes = 0;
    while let Some(step) = world.step_until(ms(9)) {
        notes += step.notes.len();
    }
    assert!(world.is_up(second) && !world.is_up(server));
    assert_eq!(notes, 0, "the port was free");
}
