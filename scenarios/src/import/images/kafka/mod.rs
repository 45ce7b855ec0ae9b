//! What the images of brokers make of their variables: the `server.properties` their brokers really read, or why their
//! container exits before there is a broker.
//!
//! There are two schools. Some images patch the file Kafka ships, so that its values stay where nobody says otherwise;
//! others write a file of nothing but what the variables say, so that the broker's own defaults hold.

mod apache;
mod bitnami;
mod confluent;
mod debezium;
pub(in crate::import) mod fast_data;
mod start;
mod stock;
mod topics;
mod version;
mod wurstmeister;

use super::{Image, Taken};
use crate::cluster::Broker;
use crate::import::brokers::Member;
use crate::import::compose::Service;
use crate::import::reading::Reading;

pub(in crate::import) use start::Start;
pub(in crate::import) use topics::Wish;
pub(in crate::import) use version::Version;

/// Who made the image of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::import) enum Maker {
    /// `wurstmeister/kafka`
    Wurstmeister,
    /// `confluentinc/cp-kafka`
    Confluent,
    /// `confluentinc/cp-server`, `cp-enterprise-kafka`
    ConfluentServer,
    /// `bitnami/kafka`
    Bitnami,
    /// `apache/kafka`
    Apache,
    /// `debezium/kafka`
    Debezium,
    /// `lensesio/fast-data-dev`
    FastData,
    /// One whose variables are not known here.
    Unknown,
}

impl Maker {
    /// Who made this image of a broker.
    pub fn of(image: &Image) -> Self {
        match image.repository.as_str() {
            "wurstmeister/kafka" => Self::Wurstmeister,
            "confluentinc/cp-kafka" => Self::Confluent,
            "confluentinc/cp-server" | "confluentinc/cp-enterprise-kafka" => Self::ConfluentServer,
            "bitnami/kafka" | "bitnamilegacy/kafka" => Self::Bitnami,
            "apache/kafka" | "apache/kafka-native" => Self::Apache,
            "debezium/kafka" => Self::Debezium,
            _ => Self::Unknown,
        }
    }

    /// The folders for which the image has Docker make a volume, if nobody mounts one.
    pub fn volumes(self) -> &'static [&'static str] {
        match self {
            Self::Wurstmeister => &["/kafka"],
            Self::Confluent | Self::ConfluentServer => {
                &["/var/lib/kafka/data", "/etc/kafka/secrets"]
            }
            Self::Apache => &["/var/lib/kafka/data", "/etc/kafka/secrets", "/mnt/shared/config"],
            Self::Debezium => &["/kafka/data", "/kafka/logs", "/kafka/config"],
            Self::FastData => &["/data"],
            Self::Bitnami | Self::Unknown => &[],
        }
    }
}

/// What a container makes of a service, before other services are looked at.
///
/// # Errors
/// Why it cannot be staged.
pub(in crate::import) fn stage(
    reading: &mut Reading<'_>,
    service: &Service,
    image: &Image,
) -> Result<Member, String> {
    let maker = Maker::of(image);
    let version = Version::of(image, maker);
    if let Some(reason) = without_zookeeper(service, image, maker, &version) {
        if maker == Maker::Apache {
            apache::without_roles(reading, service);
        }
        return Err(reason);
    }
    let mut start = Start::new(service, image, version);
    match maker {
        Maker::Wurstmeister => wurstmeister::stage(reading, &mut start),
        Maker::Confluent | Maker::ConfluentServer => confluent::stage(reading, &mut start, maker),
        Maker::Bitnami => bitnami::stage(reading, &mut start),
        Maker::Apache => apache::stage(reading, &mut start),
        Maker::Debezium => debezium::stage(reading, &mut start),
        Maker::FastData | Maker::Unknown => return Err(unknown(image)),
    }
    taken(&version).tell(reading, service, image, TAKEN_HELP);
    Ok(start.member(reading, maker))
}

fn unknown(image: &Image) -> String {
    let known = "wurstmeister/kafka, confluentinc/cp-kafka, confluentinc/cp-server, bitnami/kafka, \
                 apache/kafka, debezium/kafka";
    format!(
        "what {} makes of its variables is not known here: brokers are staged from {known}, or \
             from their server.properties",
        image.text
    )
}

/// Why there is no ZooKeeper in this broker's life.
fn without_zookeeper(
    service: &Service,
    image: &Image,
    maker: Maker,
    version: &Version,
) -> Option<String> {
    const KRAFT: &str = "a KRaft node: there is no ZooKeeper in it, and what is played here is Kafka \
                         on ZooKeeper";
    let is_set = |names: &[&str]| names.iter().any(|name| service.set(name).is_some());
    let has_roles = is_set(&["KAFKA_PROCESS_ROLES", "KAFKA_CFG_PROCESS_ROLES"]);
    let connects = ["KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CFG_ZOOKEEPER_CONNECT", "ZOOKEEPER_CONNECT"];
    let has_zookeeper = is_set(&connects);
    let enables = service.set("KAFKA_ENABLE_KRAFT").map(|variable| variable.value.to_lowercase());
    let image = &image.text;
    match maker {
        Maker::Unknown => None,
        _ if version.is_since(4, 0) => Some(format!("{image} is Kafka {version}, {KRAFT}")),
        Maker::Apache if !has_zookeeper => Some(format!("{image} is {KRAFT}")),
        Maker::Apache if has_roles => Some(format!("KAFKA_PROCESS_ROLES makes it {KRAFT}")),
        Maker::Confluent | Maker::ConfluentServer if has_roles && version.is_since(3, 4) => {
            Some(format!("KAFKA_PROCESS_ROLES makes it {KRAFT}"))
        }
        Maker::Bitnami
            if enables.is_some_and(|word| matches!(word.as_str(), "yes" | "true" | "1")) =>
        {
            Some(format!("KAFKA_ENABLE_KRAFT makes it {KRAFT}"))
        }
        Maker::Bitnami if version.is_since(3, 0) && (has_roles || !has_zookeeper) => {
            Some(format!("{image} without a ZooKeeper to connect to is {KRAFT}"))
        }
        Maker::Debezium if service.set("CLUSTER_ID").is_some() && version.is_since(2, 8) => {
            Some(format!("CLUSTER_ID makes it {KRAFT}"))
        }
        _ => None,
    }
}

/// What to do where the version is not the one that is meant.
const TAKEN_HELP: &str =
    "say `kafka = \"2.5\"` in the scenario to run the mechanisms of another version";

/// What the image is taken for.
fn taken(version: &Version) -> Taken {
    let preset = version.preset();
    let instead = (!version.is(preset)).then(|| preset.to_string());
    Taken { version: format!("Kafka {version}"), assumed: version.assumed, instead }
}

/// The broker of a container, with nothing in it yet.
fn broker(service: &Service, version: &Version) -> Broker {
    Broker {
        name: service.name.clone(),
        host: service.name.clone(),
        properties: Vec::new(),
        has_generated_id: false,
        bootstrap: None,
        waits_for_zookeeper_ms: None,
        preset: version.preset(),
        never_starts: None,
    }
}
