//! Producers and consumers, as scenarios declare them.
//!
//! | work | keys |
//! |---|---|
//! | `produce` | `topic`, `rate` (`"200/s"`) or `every` (`"5ms"`), `records`, `bytes`, `acks` (`"all"`, 1, 0) |
//! | | `partition`, `retries`, `retry-backoff`, `linger`, `delivery-timeout`, `request-timeout`, `in-flight`, `batches` |
//! | `consume` | `topic`, `from` (`"beginning"`, `"end"`), `partitions`, `request-timeout` |
//!
//! What is not said is as Kafka's own clients have it.

use broker::client as kafka;
use machine::Duration;
use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::reading::check_name;
use crate::script::client::Work;
use crate::script::fields::{self, Fields, Text};
use crate::script::phrase::{Mention, MentionKind};
use crate::script::problems::Problems;

/// A producer's load and settings; `None` for what Kafka's producer has by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Produce {
    /// The topic.
    pub topic: String,
    /// The time between two batches.
    pub every: Duration,
    /// Records in a batch.
    pub records: u32,
    /// Bytes of a record's value.
    pub bytes: u32,
    /// `acks`
    pub acks: Acks,
    /// Only this partition, instead of all in turn.
    pub partition: Option<i32>,
    /// Ends after so many batches.
    pub batches: Option<u64>,
    /// `retries`
    pub retries: Option<u32>,
    /// `retry.backoff.ms`
    pub retry_backoff: Option<Duration>,
    /// `linger.ms`
    pub linger: Option<Duration>,
    /// `delivery.timeout.ms`
    pub delivery_timeout: Option<Duration>,
    /// `request.timeout.ms`
    pub request_timeout: Option<Duration>,
    /// `max.in.flight.requests.per.connection`
    pub in_flight: Option<u32>,
}

/// Whose word an acknowledgement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// Nobody's: what was sent is done.
    None,
    /// The leader's alone.
    Leader,
    /// That of all in-sync replicas.
    #[default]
    All,
}

/// A consumer's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consume {
    /// The topic.
    pub topic: String,
    /// From the beginning, or from the end.
    pub from_beginning: bool,
    /// Only these partitions.
    pub partitions: Option<Vec<i32>>,
    /// `request.timeout.ms`
    pub request_timeout: Option<Duration>,
}

/// The load of a producer that says nothing about it: ten batches in a second.
const EVERY: Duration = Duration::from_millis(100);
/// The greatest record value: `max.request.size` leaves room for less than 1 MiB.
const BYTES_MAX: u64 = 1_000_000;
/// `request.timeout.ms` of producers and consumers.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// `delivery.timeout.ms`
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);
/// `retry.backoff.ms`
const RETRY_BACKOFF: Duration = Duration::from_millis(100);
/// `metadata.max.age.ms`
const METADATA_AGE_MAX: Duration = Duration::from_secs(300);

impl Produce {
    /// The settings of a producer of Kafka 2.1 and later.
    pub fn config(&self) -> kafka::ProducerConfig {
        kafka::ProducerConfig {
            topic: self.topic.as_str().into(),
            partition: self.partition,
            every: self.every,
            records: self.records,
            bytes: self.bytes,
            batches_max: self.batches,
            acks: match self.acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            },
            retries: self.retries.unwrap_or(2_147_483_647),
            retry_backoff: self.retry_backoff.unwrap_or(RETRY_BACKOFF),
            linger: self.linger.unwrap_or(Duration::ZERO),
            batch_bytes: 16_384,
            in_flight_max: self.in_flight.unwrap_or(5),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            delivery_timeout: self.delivery_timeout.unwrap_or(DELIVERY_TIMEOUT),
            buffer_bytes: 32 * 1024 * 1024,
            metadata_age_max: METADATA_AGE_MAX,
        }
    }
}

impl Consume {
    /// The settings of a consumer of Kafka 2.0 and later.
    pub fn config(&self) -> kafka::ConsumerConfig {
        kafka::ConsumerConfig {
            topic: self.topic.as_str().into(),
            partitions: self.partitions.clone(),
            from_beginning: self.from_beginning,
            fetch_wait_max: Duration::from_millis(500),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT),
            retry_backoff: RETRY_BACKOFF,
            metadata_age_max: METADATA_AGE_MAX,
        }
    }
}

/// Reads what a client of Kafka does.
pub fn read(
    work: &str,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Work> {
    let topic = fields.need_text("topic", problems);
    if let Some(topic) = &topic {
        check_name(&topic.value, &topic.span, problems);
        let mention = (MentionKind::Topic, topic.value.clone(), topic.span.clone());
        mentions.push(Mention { kind: mention.0, name: mention.1, span: mention.2 });
    }
    if work == "produce" {
        read_produce(topic, fields, mentions, problems).map(Work::Produce)
    } else {
        read_consume(topic, fields, mentions, problems).map(Work::Consume)
    }
}

fn read_produce(
    topic: Option<Text>,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Produce> {
    let every = read_rate(fields, problems);
    let records = within(fields, "records", 1, 100_000, problems).unwrap_or(1);
    let bytes = within(fields, "bytes", 0, BYTES_MAX, problems).unwrap_or(100);
    let acks = read_acks(fields, problems);
    let partition = within(fields, "partition", 0, 9_999, problems);
    let partition = partition.and_then(|partition| i32::try_from(partition).ok());
    if let (Some(topic), Some(partition)) = (&topic, partition) {
        mentions.push(mention_of(&topic.value, partition, fields.key_span("partition")));
    }
    let span = |key: &'static str, fields: &mut Fields<'_>, problems: &mut Problems| {
        fields.duration(key, problems).map(|span| span.value)
    };
    let produce = Produce {
        topic: topic.map_or_else(String::new, |topic| topic.value),
        every: every?,
        records: u32::try_from(records).ok()?,
        bytes: u32::try_from(bytes).ok()?,
        acks: acks?,
        partition,
        batches: within(fields, "batches", 1, u64::MAX, problems),
        retries: within(fields, "retries", 0, 2_147_483_647, problems)
            .and_then(|retries| u32::try_from(retries).ok()),
        retry_backoff: span("retry-backoff", fields, problems),
        linger: span("linger", fields, problems),
        delivery_timeout: span("delivery-timeout", fields, problems),
        request_timeout: span("request-timeout", fields, problems),
        in_flight: within(fields, "in-flight", 1, 1_000, problems)
            .and_then(|in_flight| u32::try_from(in_flight).ok()),
    };
    check_delivery(&produce, fields, problems);
    (!produce.topic.is_empty()).then_some(produce)
}

fn mention_of(topic: &str, partition: i32, span: std::ops::Range<usize>) -> Mention {
    Mention { kind: MentionKind::NumberOfPartition, name: format!("{topic}-{partition}"), span }
}

/// `rate = "200/s"`, or `every = "5ms"`.
fn read_rate(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Duration> {
    let every = fields.duration("every", problems);
    let rate = fields.text("rate", problems);
    match (rate, every) {
        (Some(rate), Some(every)) => {
            let message = "`rate` and `every` say the same thing";
            problems.add("E0403", &rate.span, message).also(&every.span, "the other one");
            None
        }
        (Some(rate), None) => {
            let every = parse_rate(&rate.value);
            if every.is_none() {
                let message = format!("`{}` is not a rate", rate.value);
                let report = problems.add("E0111", &rate.span, message);
                report.help("write batches per `s`, `m` or `h`, as in `200/s`");
            }
            every
        }
        (None, Some(every)) if every.value == Duration::ZERO => {
            problems.add("E0105", &every.span, "there is time between two batches");
            None
        }
        (None, Some(every)) => Some(every.value),
        (None, None) if fields.has("rate") || fields.has("every") => None,
        (None, None) => Some(EVERY),
    }
}

/// The time between two of so many in a second, minute or hour, in whole µs.
fn parse_rate(text: &str) -> Option<Duration> {
    let (count, unit) = text.split_once('/')?;
    let unit: u64 = match unit.trim() {
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return None,
    };
    let count: u64 = count.trim().parse().ok().filter(|count| (1..=unit).contains(count))?;
    Some(Duration::from_micros(unit / count))
}

/// `"all"`, -1, 1 or 0.
fn read_acks(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Acks> {
    let Some(value) = fields.value("acks") else { return Some(Acks::default()) };
    let written = match value.get_ref() {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(digits) => digits.as_str(),
        _ => "",
    };
    let acks = match written {
        "all" | "-1" => Some(Acks::All),
        "1" => Some(Acks::Leader),
        "0" => Some(Acks::None),
        _ => None,
    };
    if acks.is_none() {
        let report = problems.add("E0106", &value.span(), "`acks` is \"all\", 1 or 0");
        report.label("not a kind of acknowledgement");
    }
    acks
}

/// Kafka's producer refuses to give up a batch before the first request for it could time out.
fn check_delivery(produce: &Produce, fields: &Fields<'_>, problems: &mut Problems) {
    let config = produce.config();
    let least = config.linger.as_micros().saturating_add(config.request_timeout.as_micros());
    if config.delivery_timeout.as_micros() < least {
        let least = Duration::from_micros(least);
        let message = format!(
            "`delivery-timeout` ({}) is less than `linger` and `request-timeout` together ({least})",
            config.delivery_timeout
        );
        let keys = ["delivery-timeout", "request-timeout", "linger"];
        let key = keys.into_iter().find(|key| fields.has(key)).unwrap_or_default();
        let report = problems.add("E0114", &fields.value_span(key), message);
        report.label("the producer would not start");
    }
}

fn read_consume(
    topic: Option<Text>,
    fields: &mut Fields<'_>,
    mentions: &mut Vec<Mention>,
    problems: &mut Problems,
) -> Option<Consume> {
    let from_beginning = match fields.text("from", problems) {
        None => true,
        Some(from) => match from.value.as_str() {
            "beginning" => true,
            "end" => false,
            unknown => {
                let message = format!("a consumer cannot begin at `{unknown}`");
                let report = problems.add("E0106", &from.span, message);
                report.suggest(unknown, ["beginning", "end"]);
                return None;
            }
        },
    };
    let written = fields.has("partitions");
    let mut partitions = Vec::new();
    for value in fields.list("partitions", problems) {
        let number = fields::number(value, "each of `partitions`", problems)?;
        let number = i32::try_from(number).ok()?;
        partitions.push(number);
        if let Some(topic) = &topic {
            mentions.push(mention_of(&topic.value, number, value.span()));
        }
    }
    if written && partitions.is_empty() {
        let span = fields.value_span("partitions");
        problems.add("E0116", &span, "a consumer needs a partition").help("leave it out for all");
    }
    let request_timeout = fields.duration("request-timeout", problems).map(|span| span.value);
    let partitions = written.then_some(partitions);
    Some(Consume { topic: topic?.value, from_beginning, partitions, request_timeout })
}

/// `bootstrap`: at least one `host:port`.
pub fn read_bootstrap(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Vec<String>> {
    let addresses = fields.texts("bootstrap", problems);
    if addresses.is_empty() {
        problems.add("E0116", &fields.value_span("bootstrap"), "`bootstrap` needs an address");
    }
    for address in &addresses {
        let port = address.value.rsplit_once(':').and_then(|(host, port)| {
            let port: Option<u16> = port.parse().ok();
            port.filter(|port| *port > 0 && !host.is_empty())
        });
        if port.is_none() {
            let message = format!("`{}` is not an address", address.value);
            let report = problems.add("E0112", &address.span, message);
            report.help("write the host, `:` and the port, as in `kafka-1:9092`");
        }
    }
    Some(addresses.into_iter().map(|address| address.value).collect())
}

/// The number at `key`, from `min` to `max`.
pub(super) fn within(
    fields: &mut Fields<'_>,
    key: &'static str,
    min: u64,
    max: u64,
    problems: &mut Problems,
) -> Option<u64> {
    let number = fields.number(key, problems)?;
    let good = (min..=max).contains(&number);
    if !good {
        let range = if max == u64::MAX {
            format!("at least {min}")
        } else {
            format!("from {min} to {max}")
        };
        let span = fields.value(key).map_or_else(|| fields.key_span(key), |value| value.span());
        problems.add("E0105", &span, format!("`{key}` is {range}"));
    }
    good.then_some(number)
}
