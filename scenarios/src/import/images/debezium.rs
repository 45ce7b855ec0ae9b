//! `debezium/zookeeper`: `SERVER_ID` and `SERVER_COUNT` are all it reads. The others of an ensemble must be called
//! `zookeeper-1`, `zookeeper-2` and so on.

use super::Staged;
use crate::cluster::{Property, Severity};
use crate::import::reading::Reading;

/// How many servers an ensemble may have here.
const SERVERS_MAX: u32 = 64;

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let service = staged.service;
    if !staged.take_mounted(reading, "/zookeeper/conf/zoo.cfg") {
        staged.fixed("tickTime", "2000");
        staged.fixed("initLimit", "10");
        staged.fixed("syncLimit", "5");
        staged.fixed("dataDir", "/zookeeper/data");
        staged.fixed("dataLogDir", "/zookeeper/txns");
        staged.fixed("clientPort", "2181");
        staged.fixed("autopurge.snapRetainCount", "3");
        staged.fixed("autopurge.purgeInterval", "1");
    }
    let said = |name: &str| service.set(name).map_or("1", |variable| variable.value.trim());
    let (id, count) = (said("SERVER_ID"), said("SERVER_COUNT"));
    if id != "1" || count != "1" {
        servers(reading, staged, id, count);
        staged.take_myid(reading, "SERVER_ID", Some("1"));
    }
    staged.take_mounted_myid(reading, "/zookeeper/data/myid");
    let becomes = |name: &str| matches!(name, "SERVER_ID" | "SERVER_COUNT");
    staged.rest(reading, &becomes, &["SERVER_ID", "SERVER_COUNT", "LOG_LEVEL", "JMXPORT"]);
    staged.expect_mounts(reading, &["/zookeeper/data", "/zookeeper/txns"]);
}

/// The server list the script appends.
fn servers(reading: &mut Reading<'_>, staged: &mut Staged<'_>, id: &str, count: &str) {
    let service = staged.service;
    let count = match count.parse::<u32>() {
        Ok(count) if count <= SERVERS_MAX => count,
        _ => {
            let at = service.set("SERVER_COUNT").map(|variable| reading.at(&variable.span));
            let what = format!("SERVER_COUNT is `{count}`, which is no number of servers");
            let help = "write how many servers the ensemble has";
            let at = at.unwrap_or_default();
            reading.find(("Z07", Severity::Error), at, &service.name, what, help);
            return;
        }
    };
    let listed = service.set("SERVER_COUNT").or(service.set("SERVER_ID"));
    let from = listed.map(|variable| reading.line(&variable.span)).unwrap_or_default();
    for number in 1..=count {
        let host = match number.to_string() == id {
            true => "0.0.0.0".to_owned(),
            false => format!("zookeeper-{number}"),
        };
        let (key, value) = (format!("server.{number}"), format!("{host}:2888:3888"));
        staged.properties.push(Property { key, value, from: from.clone() });
    }
    let name = format!("zookeeper-{id}");
    let is_called = |alias: &String| *alias == name;
    let aliases = service.networks.iter().flat_map(|network| &network.aliases);
    let container = service.container_name.as_ref().map(|name| &name.value);
    let mut names = aliases.chain(container).chain([&service.name]);
    if count > 1 && !names.any(is_called) {
        let at = reading.at(&service.image_span());
        let what = format!("the others look for it at `{name}`, a name the image has built in");
        let help = format!("call the service `{name}`, or give it that alias");
        reading.find(("N03", Severity::Error), at, &service.name, what, help);
    }
}
