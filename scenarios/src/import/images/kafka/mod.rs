//! What the images of brokers make of their variables: the `server.properties` their brokers really read, or why their
//! container exits before there is a broker.
//!
//! There are two schools. Some images patch the file Kafka ships, so that its values stay where nobody says otherwise;
//! others write a file of nothing but what the variables say, so that the broker's own defaults hold.

mod confluent;
mod start;
mod stock;
mod topics;
mod version;
mod wurstmeister;

use super::Image;
use crate::cluster::{Broker, Severity};
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
        return Err(reason);
    }
    let mut start = Start::new(service, image, version);
    match maker {
        Maker::Wurstmeister => wurstmeister::stage(reading, &mut start),
        Maker::Confluent | Maker::ConfluentServer => confluent::stage(reading, &mut start, maker),
        _ => return Err(format!("image {} is not modelled yet", image.text)),
    }
    assumed(reading, service, image, &version);
    Ok(start.member(reading, maker))
}

/// Why there is no ZooKeeper in this broker's life.
fn without_zookeeper(
    service: &Service,
    image: &Image,
    maker: Maker,
    version: &Version,
) -> Option<String> {
    const KRAFT: &str = "a KRaft node, and only brokers with ZooKeeper are staged";
    let roles = ["KAFKA_PROCESS_ROLES", "KAFKA_CFG_PROCESS_ROLES"];
    let has_roles = roles.iter().any(|name| service.set(name).is_some());
    let connects = ["KAFKA_ZOOKEEPER_CONNECT", "KAFKA_CFG_ZOOKEEPER_CONNECT"];
    let has_zookeeper = connects.iter().any(|name| service.set(name).is_some());
    match maker {
        _ if version.is_since(4, 0) => Some(format!("{} is Kafka {version}: {KRAFT}", image.text)),
        Maker::Apache if !has_zookeeper => Some(format!("{} is {KRAFT}", image.text)),
        Maker::Confluent | Maker::ConfluentServer if has_roles && version.is_since(3, 4) => {
            Some(format!("KAFKA_PROCESS_ROLES makes it {KRAFT}"))
        }
        Maker::Bitnami if version.is_since(3, 0) && (has_roles || !has_zookeeper) => {
            Some(format!("{} without ZOOKEEPER_CONNECT is {KRAFT}", image.text))
        }
        _ => None,
    }
}

/// V01: the version is assumed, or the mechanisms of another one are run.
fn assumed(reading: &mut Reading<'_>, service: &Service, image: &Image, version: &Version) {
    let preset = version.preset();
    let run = match version.is(preset) {
        true => String::new(),
        false => format!("; the mechanisms of {preset} are run, the nearest that are modelled"),
    };
    if !version.assumed && run.is_empty() {
        return;
    }
    let verb = if version.assumed { "is taken for" } else { "is" };
    let what = format!("{} {verb} Kafka {version}{run}", image.text);
    let help = "say `kafka = \"2.5\"` in the scenario to run the mechanisms of another version";
    let at = reading.at(&service.image_span());
    reading.find(("V01", Severity::Information), at, &service.name, what, help);
}

/// The broker of a container, with nothing in it yet.
fn broker(service: &Service, version: &Version) -> Broker {
    Broker {
        name: service.name.clone(),
        host: service.name.clone(),
        properties: Vec::new(),
        has_generated_id: false,
        bootstrap: None,
        preset: version.preset(),
        never_starts: None,
    }
}
