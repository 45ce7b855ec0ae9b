//! `wurstmeister/zookeeper`: the start script reads no variable at all, whatever they are called.
//!
//! `zoo.cfg` is ZooKeeper's sample file with autopurge switched on: no `server.N`, no `myid`, always standalone. The only
//! way to an ensemble is to mount a whole `zoo.cfg` and a `myid` at the paths of the very version in the image.

use super::Staged;
use crate::cluster::Severity;
use crate::import::reading::Reading;

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, staged: &mut Staged<'_>) {
    let home = format!("/opt/zookeeper-{}", staged.version);
    let data = format!("{home}/data");
    elsewhere(reading, staged, &home);
    if !staged.take_mounted(reading, &format!("{home}/conf/zoo.cfg")) {
        staged.fixed("tickTime", "2000");
        staged.fixed("initLimit", "10");
        staged.fixed("syncLimit", "5");
        staged.fixed("dataDir", &data);
        staged.fixed("clientPort", "2181");
        staged.fixed("autopurge.snapRetainCount", "3");
        staged.fixed("autopurge.purgeInterval", "1");
    }
    let configured = staged.properties.iter().find(|property| property.key == "dataDir");
    let data = configured.map_or(data, |property| property.value.clone());
    staged.take_mounted_myid(reading, &format!("{data}/myid"));
    ignored(reading, staged);
    for variable in &staged.service.environment {
        let why = "wurstmeister/zookeeper reads no variables";
        let (name, value) = (&variable.name, &variable.value);
        reading.unread(&staged.service.name, name, value, &variable.span, why);
    }
    staged.expect_mounts(reading, &[&data]);
}

/// Z01: the first variable somebody wrote to make an ensemble of it.
fn ignored(reading: &mut Reading<'_>, staged: &Staged<'_>) {
    let meant = |name: &str| {
        let logging = name.starts_with("ZOO_LOG") || name.starts_with("ZOOKEEPER_LOG");
        let prefixes = ["ZOO", "ZK_", "SERVER_ID", "MYID"];
        !logging && prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    let Some(first) = staged.service.environment.iter().find(|variable| meant(&variable.name))
    else {
        return;
    };
    let what = "wurstmeister/zookeeper reads no variables: a standalone server, whatever they say";
    let help =
        "use the image `zookeeper` with ZOO_MY_ID and ZOO_SERVERS, or mount zoo.cfg and myid";
    let at = reading.at(&first.span);
    reading.find(("Z01", Severity::Error), at, &staged.service.name, what, help);
}

/// A mount for another version of the image goes where nobody looks.
fn elsewhere(reading: &mut Reading<'_>, staged: &Staged<'_>, home: &str) {
    for mount in &staged.service.mounts {
        let target = &mount.target;
        if !target.starts_with("/opt/zookeeper-") || target.starts_with(home) {
            continue;
        }
        let what = format!("{target} is not where this image looks: the mount has no effect");
        let help = format!("mount under {home}: the version is part of the path");
        let at = reading.at(&mount.span);
        reading.find(("Z01", Severity::Error), at, &staged.service.name, what, help);
    }
}
