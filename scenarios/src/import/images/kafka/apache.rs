//! `apache/kafka` told to use a ZooKeeper: a file of nothing but what the variables say.
//!
//! Its own defaults make a KRaft node. They are dropped, all of them, as soon as one `KAFKA_` variable is set and no file is
//! mounted; whoever then names a ZooKeeper gets a broker with ZooKeeper, up to 3.9.

use super::{Start, confluent};
use crate::cluster::Severity;
use crate::import::compose::{Service, Variable};
use crate::import::reading::Reading;

/// Follows the start script.
pub(super) fn stage(reading: &mut Reading<'_>, start: &mut Start<'_>) {
    for variable in &start.service.environment {
        let Some(name) = variable.name.strip_prefix("KAFKA_") else { continue };
        if !name.ends_with("_OPTS") && name != "VERSION" {
            start.takes(reading, &confluent::key(name), &variable.value, variable);
        }
    }
    let image = start.service.image_span();
    let what = "with any KAFKA_ variable set, none of the defaults in the image counts: the \
                broker has what the variables say and Kafka's own defaults";
    let help = "say everything you rely on, log.dirs and listeners before all";
    start.find(reading, ("K22", Severity::Warning), &image, what, help);
    if start.asks("KAFKA_LISTENERS").is_none()
        && let Some(advertised) = start.asks("KAFKA_ADVERTISED_LISTENERS")
    {
        start.writes("listeners", &confluent::everywhere(&advertised.value));
    }
}

/// K22: a few variables, and with them none of what would have made it a KRaft node.
pub(super) fn without_roles(reading: &mut Reading<'_>, service: &Service) {
    let is_setting = |variable: &&Variable| {
        variable.name.starts_with("KAFKA_") && !variable.name.ends_with("_OPTS")
    };
    let first = service.environment.iter().find(is_setting);
    if let Some(first) = first.filter(|_| service.set("KAFKA_PROCESS_ROLES").is_none()) {
        let what = "with any KAFKA_ variable set, none of the defaults in the image counts: it has \
                    no process.roles and does not start";
        let help = "set KAFKA_PROCESS_ROLES, KAFKA_NODE_ID, KAFKA_CONTROLLER_QUORUM_VOTERS and the \
                    listeners too, or mount a file at /mnt/shared/config/server.properties";
        let at = reading.at(&first.span);
        reading.find(("K22", Severity::Warning), at, &service.name, what, help);
    }
}
