//! What each command asks of brokers, in which order, and what it makes of their answers.
//!
//! ```text
//!   create     list topics ─► create                     delete   list topics ─► delete
//!   describe   list topics ─► configs ─► topics          alter    list topics ─► create partitions
//!   config     configs ─► alter configs                  elect    elect leaders
//! ```

use kafka_protocol::messages as m;
use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::protocol::StrBytes;

use std::collections::BTreeMap;

use super::texts::{self, Trouble};
use crate::client::Command;
use crate::client::describe::{self, PartitionDescription, TopicDescription};
use crate::id::BrokerId;
use crate::mechanism::Preset;
use crate::wire::{Request, Response, error};

/// The resource type of a topic in DescribeConfigs and AlterConfigs.
const TOPIC: i8 = 2;

/// Where a setting comes from: the topic's own, and nowhere.
const TOPIC_CONFIG: i8 = 1;
const DEFAULT_CONFIG: i8 = 5;

/// One call to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Which topics there are.
    ListTopics,
    /// Create it.
    CreateTopics,
    /// Delete it.
    DeleteTopics,
    /// The settings of topics.
    DescribeConfigs,
    /// The partitions of topics.
    DescribeTopics,
    /// More partitions.
    CreatePartitions,
    /// Other settings.
    AlterConfigs,
    /// Elections.
    ElectLeaders,
}

/// Who a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The controller.
    Controller,
    /// Any broker.
    Anybody,
}

impl Step {
    /// What `KafkaAdminClient` calls it.
    pub fn name(self, preset: Preset) -> &'static str {
        match self {
            Self::ListTopics => "listTopics",
            Self::CreateTopics => "createTopics",
            Self::DeleteTopics => "deleteTopics",
            Self::DescribeConfigs => "describeConfigs",
            Self::DescribeTopics => "describeTopics",
            Self::CreatePartitions => "createPartitions",
            Self::AlterConfigs => "alterConfigs",
            Self::ElectLeaders if preset == Preset::V2_3 => "electPreferredLeaders",
            Self::ElectLeaders => "electLeaders",
        }
    }

    /// Who it goes to.
    pub fn to(self) -> To {
        match self {
            Self::ListTopics | Self::DescribeConfigs | Self::AlterConfigs => To::Anybody,
            Self::CreateTopics
            | Self::DeleteTopics
            | Self::DescribeTopics
            | Self::CreatePartitions
            | Self::ElectLeaders => To::Controller,
        }
    }
}

/// How a command goes on.
#[derive(Debug)]
pub enum Next {
    /// With this call.
    Ask(Step),
    /// With the same call, once more.
    Again(i16),
    /// It is done, and prints this.
    Done(String),
    /// It has failed.
    Failed(Trouble),
}

/// A command and what it has learned so far.
#[derive(Debug)]
pub struct Progress {
    command: Command,
    preset: Preset,
    /// Topics to be described.
    topics: Vec<String>,
    /// Their settings.
    configs: BTreeMap<String, Vec<(String, String)>>,
}

impl Progress {
    /// Nothing is known.
    pub fn new(command: Command, preset: Preset) -> Self {
        Self { command, preset, topics: Vec::new(), configs: BTreeMap::new() }
    }

    /// What the tool does before it asks anybody.
    pub fn begin(&self) -> Next {
        if let Command::CreateTopic { partitions, replication_factor, assignment, .. } =
            &self.command
            && self.preset != Preset::V2_3
            && assignment.is_empty()
        {
            if *replication_factor < 1 {
                return Next::Failed(Trouble::argument(
                    "The replication factor must be between 1 and 32767 inclusive".into(),
                ));
            }
            if *partitions < 1 {
                return Next::Failed(Trouble::argument(
                    "The partitions must be greater than 0".into(),
                ));
            }
        }
        Next::Ask(match self.command {
            Command::CreateTopic { .. }
            | Command::DeleteTopic { .. }
            | Command::DescribeTopic { .. }
            | Command::AddPartitions { .. } => Step::ListTopics,
            Command::AlterConfig { .. } => Step::DescribeConfigs,
            Command::ElectLeaders { .. } => Step::ElectLeaders,
        })
    }

    /// The request of a call that has this long.
    pub fn request(&self, step: Step, timeout_ms: i32) -> Request {
        match step {
            Step::ListTopics => {
                let all = m::MetadataRequest::default().with_topics(None);
                all.with_allow_auto_topic_creation(false).into()
            }
            Step::DescribeTopics => {
                let topics = self.topics.iter().map(|topic| {
                    MetadataRequestTopic::default().with_name(Some(topic_name(topic)))
                });
                m::MetadataRequest::default()
                    .with_topics(Some(topics.collect()))
                    .with_allow_auto_topic_creation(false)
                    .into()
            }
            Step::DescribeConfigs => {
                let names = self.described();
                let resources = names.iter().map(|topic| {
                    DescribeConfigsResource::default()
                        .with_resource_type(TOPIC)
                        .with_resource_name(text(topic))
                        .with_configuration_keys(None)
                });
                m::DescribeConfigsRequest::default().with_resources(resources.collect()).into()
            }
            Step::CreateTopics => self.create_topics(timeout_ms),
            Step::DeleteTopics => m::DeleteTopicsRequest::default()
                .with_topic_names(self.topic().iter().map(|topic| topic_name(topic)).collect())
                .with_timeout_ms(timeout_ms)
                .into(),
            Step::CreatePartitions => self.create_partitions(timeout_ms),
            Step::AlterConfigs => self.alter_configs(),
            Step::ElectLeaders => self.elect_leaders(timeout_ms),
        }
    }

    fn topic(&self) -> Option<&str> {
        match &self.command {
            Command::CreateTopic { topic, .. }
            | Command::DeleteTopic { topic }
            | Command::AddPartitions { topic, .. }
            | Command::AlterConfig { topic, .. } => Some(topic),
            Command::DescribeTopic { topic } => topic.as_deref(),
            Command::ElectLeaders { .. } => None,
        }
    }

    /// The topics whose settings are asked for.
    fn described(&self) -> Vec<String> {
        match &self.command {
            Command::AlterConfig { topic, .. } => vec![topic.clone()],
            _ => self.topics.clone(),
        }
    }

    fn create_topics(&self, timeout_ms: i32) -> Request {
        let Command::CreateTopic { topic, partitions, replication_factor, assignment, config } =
            &self.command
        else {
            return m::CreateTopicsRequest::default().into();
        };
        let mut wanted = CreatableTopic::default().with_name(topic_name(topic)).with_configs(
            config
                .iter()
                .map(|(key, value)| {
                    CreatableTopicConfig::default()
                        .with_name(text(key))
                        .with_value(Some(text(value)))
                })
                .collect(),
        );
        if assignment.is_empty() {
            wanted.num_partitions = *partitions;
            wanted.replication_factor = *replication_factor;
        } else {
            (wanted.num_partitions, wanted.replication_factor) = (-1, -1);
            let assigned = assignment.iter().map(|(partition, brokers)| {
                CreatableReplicaAssignment::default()
                    .with_partition_index(*partition)
                    .with_broker_ids(brokers.iter().map(|id| m::BrokerId(*id)).collect())
            });
            wanted.assignments = assigned.collect();
        }
        m::CreateTopicsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(timeout_ms)
            .into()
    }

    fn create_partitions(&self, timeout_ms: i32) -> Request {
        let topics = match &self.command {
            Command::AddPartitions { topic, partitions } => vec![
                CreatePartitionsTopic::default()
                    .with_name(topic_name(topic))
                    .with_count(*partitions)
                    .with_assignments(None),
            ],
            _ => Vec::new(),
        };
        m::CreatePartitionsRequest::default().with_topics(topics).with_timeout_ms(timeout_ms).into()
    }

    /// All of the topic's own settings: what the request does not name, it removes.
    fn alter_configs(&self) -> Request {
        let Command::AlterConfig { topic, config } = &self.command else {
            return m::AlterConfigsRequest::default().into();
        };
        let mut all: BTreeMap<&String, &String> = BTreeMap::new();
        for (key, value) in self.configs.get(topic).into_iter().flatten() {
            all.insert(key, value);
        }
        all.extend(config);
        let configs = all.into_iter().map(|(key, value)| {
            AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)))
        });
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(topic))
            .with_configs(configs.collect());
        m::AlterConfigsRequest::default().with_resources(vec![resource]).into()
    }

    fn elect_leaders(&self, timeout_ms: i32) -> Request {
        let Command::ElectLeaders { partitions, unclean } = &self.command else {
            return m::ElectLeadersRequest::default().into();
        };
        let by_topic = partitions.as_ref().map(|partitions| {
            let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
            for partition in partitions {
                topics.entry(&partition.topic).or_default().push(partition.partition);
            }
            let topics = topics.into_iter().map(|(topic, partitions)| {
                TopicPartitions::default().with_topic(topic_name(topic)).with_partitions(partitions)
            });
            topics.collect()
        });
        let mut request = m::ElectLeadersRequest::default()
            .with_topic_partitions(by_topic)
            .with_timeout_ms(timeout_ms);
        // Version 0, all that 2.3 speaks, knows only preferred elections and has no such field.
        if self.preset != Preset::V2_3 {
            request.election_type = i8::from(*unclean);
        }
        request.into()
    }

    /// What the command makes of an answer.
    pub fn answered(&mut self, step: Step, response: Response) -> Next {
        match (step, response) {
            (Step::ListTopics, Response::Metadata(answer)) => self.listed(&answer),
            (Step::DescribeTopics, Response::Metadata(answer)) => self.described_as(&answer),
            (Step::DescribeConfigs, Response::DescribeConfigs(answer)) => self.configured(&answer),
            (Step::CreateTopics, Response::CreateTopics(answer)) => {
                let told = answer.topics.first();
                let told = told.map(|told| (told.error_code, told.error_message.as_ref()));
                self.outcome(told)
            }
            (Step::DeleteTopics, Response::DeleteTopics(answer)) => {
                let told = answer.responses.first();
                self.outcome(told.map(|told| (told.error_code, told.error_message.as_ref())))
            }
            (Step::CreatePartitions, Response::CreatePartitions(answer)) => {
                let told = answer.results.first();
                self.outcome(told.map(|told| (told.error_code, told.error_message.as_ref())))
            }
            (Step::AlterConfigs, Response::AlterConfigs(answer)) => {
                let told = answer.responses.first();
                self.outcome(told.map(|told| (told.error_code, told.error_message.as_ref())))
            }
            (Step::ElectLeaders, Response::ElectLeaders(answer)) => self.elected(&answer),
            _ => Next::Failed(Trouble::from_broker(error::UNKNOWN_SERVER_ERROR, None)),
        }
    }

    /// The only thing that was asked for went like this.
    fn outcome(&self, told: Option<(i16, Option<&StrBytes>)>) -> Next {
        match told {
            Some((error::NONE, _)) => Next::Done(texts::success(&self.command, self.preset)),
            Some((code, message)) => refused(code, message),
            None => Next::Failed(Trouble::from_broker(error::UNKNOWN_SERVER_ERROR, None)),
        }
    }

    fn listed(&mut self, answer: &m::MetadataResponse) -> Next {
        let names = answer.topics.iter().filter(|topic| topic.error_code == error::NONE);
        let names = names.filter_map(|topic| topic.name.as_ref()).map(|name| name.0.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort();
        let wanted = self.topic().map(str::to_owned);
        let exists = wanted.as_ref().is_some_and(|wanted| names.contains(wanted));
        match (&self.command, wanted) {
            (Command::CreateTopic { .. }, Some(topic)) if exists => {
                Next::Failed(Trouble::argument(format!("Topic {topic} already exists")))
            }
            (Command::CreateTopic { .. }, _) => Next::Ask(Step::CreateTopics),
            (_, Some(topic)) if !exists => Next::Failed(Trouble::argument(match self.preset {
                Preset::V2_3 => "Topics in [] does not exist".into(),
                _ => format!("Topic '{topic}' does not exist as expected"),
            })),
            (Command::DeleteTopic { .. }, _) => Next::Ask(Step::DeleteTopics),
            (Command::AddPartitions { .. }, _) => Next::Ask(Step::CreatePartitions),
            (_, wanted) => {
                self.topics = wanted.map_or(names, |topic| vec![topic]);
                match self.topics.is_empty() {
                    true => Next::Done(String::new()),
                    false => Next::Ask(Step::DescribeConfigs),
                }
            }
        }
    }

    fn configured(&mut self, answer: &m::DescribeConfigsResponse) -> Next {
        let own_only = matches!(self.command, Command::AlterConfig { .. });
        for told in &answer.results {
            if told.error_code != error::NONE {
                return refused(told.error_code, told.error_message.as_ref());
            }
            let shown = told.configs.iter().filter(|config| match own_only {
                true => config.config_source == TOPIC_CONFIG,
                false => config.config_source != DEFAULT_CONFIG,
            });
            let pair = |config: &m::describe_configs_response::DescribeConfigsResourceResult| {
                let value = config.value.as_ref().map_or("null".into(), ToString::to_string);
                (config.name.to_string(), value)
            };
            let name = told.resource_name.to_string();
            self.configs.insert(name, shown.map(pair).collect());
        }
        Next::Ask(if own_only { Step::AlterConfigs } else { Step::DescribeTopics })
    }

    fn described_as(&mut self, answer: &m::MetadataResponse) -> Next {
        let mut topics = Vec::new();
        for told in &answer.topics {
            let Some(name) = &told.name else { continue };
            if told.error_code != error::NONE {
                return refused(told.error_code, None);
            }
            let ids = |ids: &[m::BrokerId]| ids.iter().map(|id| BrokerId(id.0)).collect();
            let partitions = told.partitions.iter().map(|told| PartitionDescription {
                partition: told.partition_index,
                leader: Some(BrokerId(told.leader_id.0)).filter(|leader| leader.0 >= 0),
                replicas: ids(&told.replica_nodes),
                isr: ids(&told.isr_nodes),
            });
            let mut partitions: Vec<PartitionDescription> = partitions.collect();
            partitions.sort_by_key(|partition| partition.partition);
            let topic = name.0.to_string();
            let configs = self.configs.remove(&topic).unwrap_or_default();
            topics.push(TopicDescription { topic, configs, partitions });
        }
        topics.sort_by(|a, b| a.topic.cmp(&b.topic));
        Next::Done(describe::topics(self.preset, &topics))
    }

    fn elected(&self, answer: &m::ElectLeadersResponse) -> Next {
        if answer.error_code != error::NONE {
            return Next::Failed(Trouble::from_broker(answer.error_code, None));
        }
        let mut results = Vec::new();
        for topic in &answer.replica_election_results {
            for told in &topic.partition_result {
                let message = told.error_message.as_ref().map(ToString::to_string);
                let partition = format!("{}-{}", topic.topic.0.as_str(), told.partition_id);
                results.push((partition, told.error_code, message));
            }
        }
        results.sort();
        let unclean = matches!(self.command, Command::ElectLeaders { unclean: true, .. });
        let (printed, failed) = texts::elections(&results, unclean, self.preset);
        match failed.is_empty() {
            true => Next::Done(printed),
            false => Next::Failed(Trouble::elections(printed, failed, self.preset)),
        }
    }
}

/// A broker said no. Only that it is not the controller makes `KafkaAdminClient` ask again; other errors, also those that may
/// pass, are the answer. (Elections do not even do that.)
fn refused(code: i16, message: Option<&StrBytes>) -> Next {
    if code == error::NOT_CONTROLLER {
        return Next::Again(code);
    }
    Next::Failed(Trouble::from_broker(code, message.map(StrBytes::as_str)))
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic_name(topic: &str) -> m::TopicName {
    m::TopicName(text(topic))
}

/// What a command is, in a few words.
pub fn summary(command: &Command) -> String {
    match command {
        Command::CreateTopic { topic, .. } => format!("create topic {topic}"),
        Command::DeleteTopic { topic } => format!("delete topic {topic}"),
        Command::DescribeTopic { topic: Some(topic) } => format!("describe topic {topic}"),
        Command::DescribeTopic { topic: None } => "describe all topics".into(),
        Command::AddPartitions { topic, partitions } => {
            format!("let topic {topic} have {partitions} partitions")
        }
        Command::AlterConfig { topic, config } => {
            let pairs: Vec<String> = config.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("configure topic {topic} with {}", pairs.join(","))
        }
        Command::ElectLeaders { partitions, unclean } => {
            let kind = if *unclean { "unclean" } else { "preferred" };
            let which = partitions.as_ref().map_or("all partitions".into(), |partitions| {
                partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            });
            format!("elect {kind} leaders of {which}")
        }
    }
}

/// What the tool prints before it does anything.
pub fn preamble(command: &Command) -> String {
    match command {
        Command::CreateTopic { topic, .. } if topic.contains(['.', '_']) => {
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could \
             collide. To avoid issues it is best to use either, but not both.\n"
                .into()
        }
        _ => String::new(),
    }
}
