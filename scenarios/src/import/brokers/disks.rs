//! Where brokers keep their logs: what two of them share, and what is gone when a container is made anew.

use std::collections::BTreeMap;

use broker::config::Config;

use super::{Disk, Member};
use crate::cluster::Severity;
use crate::import::reading::Reading;

/// What the start script of one image puts in for a name that only a running container has.
pub(in crate::import) const HOSTNAME: &str = "$HOSTNAME";

/// K12, K13: folders that are shared, and folders that do not stay.
pub(super) fn check(reading: &mut Reading<'_>, members: &mut [Member], configs: &[Option<Config>]) {
    let mut first: BTreeMap<(String, String), String> = BTreeMap::new();
    for (member, config) in members.iter_mut().zip(configs) {
        let Some(config) = config else { continue };
        let folder = config.log_dir.trim_end_matches('/').to_owned();
        let below = |disk: &&Disk| is_below(&folder, &disk.target);
        let mount = member.disks.iter().filter(below).max_by_key(|disk| disk.target.len());
        let source = mount.and_then(|disk| disk.source.clone());
        if member.is_container {
            stays(reading, member, &folder, source.is_some());
        }
        let place = match (source, mount) {
            (Some(source), Some(disk)) => (source, folder[disk.target.len()..].to_owned()),
            _ if !member.is_container => (member.broker.host.clone(), folder.clone()),
            _ => continue,
        };
        let name = member.broker.name.clone();
        if folder.contains(HOSTNAME) {
            continue; // every container has its own
        }
        let holder = first.entry(place.clone()).or_insert_with(|| name.clone()).clone();
        if holder != name {
            shared(reading, member, &folder, &place.0, &holder);
        }
    }
}

fn is_below(folder: &str, target: &str) -> bool {
    folder.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// K12: the one that comes later finds the other's lock.
fn shared(
    reading: &mut Reading<'_>,
    member: &mut Member,
    folder: &str,
    source: &str,
    holder: &str,
) {
    let disk = member.disks.iter().find(|disk| disk.source.as_deref() == Some(source));
    let at = disk.map_or(&member.at, |disk| &disk.at).clone();
    let what = format!(
        "{folder} is on `{source}`, where {holder} has its logs too: whoever starts second exits, \
         here {}",
        member.broker.name
    );
    let help = "give each broker a volume of its own";
    reading.find(("K12", Severity::Error), at, &member.broker.name, what, help);
    member.broker.never_starts = Some(format!(
        "exit 1: Failed to acquire lock on file .lock in {folder}. A Kafka instance in another \
         process or thread is using this directory."
    ));
}

/// K13: what a container made anew finds of its logs.
fn stays(reading: &mut Reading<'_>, member: &Member, folder: &str, is_mounted: bool) {
    let has_volume = member.volumes.iter().any(|volume| is_below(folder, volume))
        || member.disks.iter().any(|disk| is_below(folder, &disk.target));
    let (what, help) = if folder.contains(HOSTNAME) {
        let what = format!(
            "its logs are in {folder}: a container made anew has another name, so it begins with \
             an empty folder, whatever is mounted"
        );
        (what, "set KAFKA_LOG_DIRS to a folder on a named volume, or set `hostname:`".to_owned())
    } else if is_mounted {
        return;
    } else if has_volume {
        let what = format!("no named volume holds {folder}: after `down` and `up` it is empty");
        (what, format!("mount a named volume: `logs:{folder}`"))
    } else {
        let what = format!(
            "{folder} is in the container itself: a container made anew (`up` after an edit) \
             begins empty"
        );
        (what, format!("mount a named volume: `logs:{folder}`"))
    };
    let at = member.written("log.dirs").to_owned();
    reading.find(("K13", Severity::Warning), at, &member.broker.name, what, help);
}
