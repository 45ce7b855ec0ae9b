//! Admin tools: their texts as measured, and how long they keep trying.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::protocol::StrBytes;
use machine::Duration;

use super::scripted::{Stage, metadata, name, tool};
use crate::client::Command;
use crate::client::describe::{self, PartitionDescription, TopicDescription};
use crate::id::{BrokerId, TopicPartition};
use crate::mechanism::Preset;
use crate::wire::{Api, Response, error};

fn create(topic: &str, partitions: i32, replication_factor: i16) -> Command {
    Command::CreateTopic {
        topic: topic.into(),
        partitions,
        replication_factor,
        assignment: BTreeMap::new(),
        config: BTreeMap::new(),
    }
}

/// Plays the command to its end with these answers after the metadata, each for whoever was asked.
fn play(preset: Preset, command: Command, answers: Vec<Response>) -> (Stage, String, i32) {
    let mut stage = Stage::new(preset, tool(command));
    if !answers.is_empty() {
        let mut conns = vec![stage.introduce(metadata(&[]))];
        for answer in answers {
            if conns.iter().all(|conn| stage.open(*conn).is_empty()) {
                conns.push(stage.welcome());
            }
            let asked = conns.iter().find(|conn| !stage.open(**conn).is_empty());
            let conn = *asked.expect("something was asked");
            stage.answer(conn, answer);
        }
    }
    let text = stage.bench.take();
    let exit = text.lines().rev().find_map(|line| line.trim().strip_prefix("exits "));
    let exit = exit.and_then(|line| line.split(':').next()?.parse().ok());
    let exit = exit.unwrap_or_else(|| panic!("the tool has not ended:\n{text}"));
    let output = stage.bench.machine().printed().to_owned();
    (stage, output, exit)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn created(code: i16, message: Option<&str>) -> Response {
    let result = CreatableTopicResult::default().with_name(name("first-test"));
    let result = result.with_error_code(code).with_error_message(message.map(text));
    m::CreateTopicsResponse::default().with_topics(vec![result]).into()
}

fn described(preset: Preset) -> String {
    let partition = |partition: i32, replicas: [i32; 3]| PartitionDescription {
        partition,
        leader: Some(BrokerId(replicas[0])),
        replicas: replicas.map(BrokerId).to_vec(),
        isr: replicas.map(BrokerId).to_vec(),
    };
    let partitions =
        vec![partition(0, [2, 3, 1]), partition(1, [3, 1, 2]), partition(2, [1, 2, 3])];
    let topic = TopicDescription { topic: "first-test".into(), configs: Vec::new(), partitions };
    describe::topics(preset, &[topic])
}

#[test]
fn describe_prints_what_2_3_and_2_5_print() {
    let rows = "\tTopic: first-test\tPartition: 0\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,3,1\n\
                \tTopic: first-test\tPartition: 1\tLeader: 3\tReplicas: 3,1,2\tIsr: 3,1,2\n\
                \tTopic: first-test\tPartition: 2\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3\n";
    let header = "Topic:first-test\tPartitionCount:3\tReplicationFactor:3\tConfigs:\n";
    assert_eq!(described(Preset::V2_3), format!("{header}{rows}"));
    let header = "Topic: first-test\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: \n";
    assert_eq!(described(Preset::V2_5), format!("{header}{rows}"));
}

#[test]
fn overrides_stand_in_the_header_and_a_missing_leader_is_none() {
    let setting = |name: &str, value: &str, source: i8| {
        DescribeConfigsResourceResult::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
            .with_config_source(source)
    };
    let configs =
        DescribeConfigsResult::default().with_resource_name(text("orders")).with_configs(vec![
            setting("min.insync.replicas", "2", 1),
            setting("retention.ms", "604800000", 5),
            setting("unclean.leader.election.enable", "true", 1),
        ]);
    let answers = vec![
        metadata(&[(1, 0)]).into(),
        m::DescribeConfigsResponse::default().with_results(vec![configs]).into(),
        metadata(&[(-1, 0)]).into(),
    ];
    let command = Command::DescribeTopic { topic: Some("orders".into()) };
    let (_, output, exit) = play(Preset::V2_3, command, answers);
    let expected = "Topic:orders\tPartitionCount:1\tReplicationFactor:2\t\
                    Configs:min.insync.replicas=2,unclean.leader.election.enable=true\n\
                    \tTopic: orders\tPartition: 0\tLeader: none\tReplicas: 1,2\tIsr: 1,2\n";
    assert_eq!((output.as_str(), exit), (expected, 0));
}

#[test]
fn create_prints_nothing_in_2_3_and_a_confirmation_in_2_5() {
    for (preset, expected) in [(Preset::V2_3, ""), (Preset::V2_5, "Created topic first-test.\n")] {
        let answers = vec![metadata(&[(1, 0)]).into(), created(error::NONE, None)];
        let (_, output, exit) = play(preset, create("first-test", 3, 3), answers);
        assert_eq!((output.as_str(), exit), (expected, 0));
    }
}

#[test]
fn a_name_with_a_period_is_warned_of() {
    let answers = vec![metadata(&[(1, 0)]).into(), created(error::NONE, None)];
    let (_, output, _) = play(Preset::V2_5, create("my_topic.x", 1, 1), answers);
    let expected = "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could \
                    collide. To avoid issues it is best to use either, but not both.\nCreated topic my_topic.x.\n";
    assert_eq!(output, expected);
}

#[test]
fn a_topic_that_exists_is_an_illegal_argument() {
    let answers = vec![metadata(&[(1, 0)]).into()];
    let (_, output, exit) = play(Preset::V2_3, create("orders", 3, 3), answers);
    let expected = "Error while executing topic command : Topic orders already exists\n\
                    [2020-09-13 12:26:40,000] ERROR java.lang.IllegalArgumentException: Topic orders already exists\n \
                    (kafka.admin.TopicCommand$)\n";
    assert_eq!((output.as_str(), exit), (expected, 1));
}

#[test]
fn what_the_controller_refuses_is_the_cause_of_an_execution_exception() {
    let message = "Replication factor: 4 larger than available brokers: 3.";
    let refusal = created(error::INVALID_REPLICATION_FACTOR, Some(message));
    let answers = vec![metadata(&[(1, 0)]).into(), refusal];
    let (_, output, exit) = play(Preset::V2_3, create("first-test", 3, 4), answers);
    let class = "org.apache.kafka.common.errors.InvalidReplicationFactorException";
    let expected = format!(
        "Error while executing topic command : {class}: {message}\n\
         [2020-09-13 12:26:40,000] ERROR java.util.concurrent.ExecutionException: {class}: {message}\n\
         Caused by: {class}: {message}\n (kafka.admin.TopicCommand$)\n"
    );
    assert_eq!((output, exit), (expected, 1));
}

#[test]
fn fewer_partitions_are_refused_in_the_brokers_words() {
    let message = "Topic currently has 6 partitions, which is higher than the requested 2.";
    let result = CreatePartitionsTopicResult::default()
        .with_name(name("orders"))
        .with_error_code(error::INVALID_PARTITIONS)
        .with_error_message(Some(text(message)));
    let refusal = m::CreatePartitionsResponse::default().with_results(vec![result]);
    let command = Command::AddPartitions { topic: "orders".into(), partitions: 2 };
    let answers = vec![metadata(&[(1, 0)]).into(), refusal.into()];
    let (_, output, exit) = play(Preset::V2_3, command, answers);
    let first = format!(
        "Error while executing topic command : org.apache.kafka.common.errors.InvalidPartitionsException: {message}"
    );
    assert_eq!((output.lines().next(), exit), (Some(first.as_str()), 1));
}

#[test]
fn a_topic_that_does_not_exist_cannot_be_described_or_deleted() {
    let command = || Command::DeleteTopic { topic: "gone".into() };
    let (_, output, exit) = play(Preset::V2_3, command(), vec![metadata(&[(1, 0)]).into()]);
    let first = "Error while executing topic command : Topics in [] does not exist";
    assert_eq!((output.lines().next(), exit), (Some(first), 1));
    let (_, output, _) = play(Preset::V2_5, command(), vec![metadata(&[(1, 0)]).into()]);
    let first = "Error while executing topic command : Topic 'gone' does not exist as expected";
    assert_eq!(output.lines().next(), Some(first));
}

#[test]
fn settings_are_added_to_those_the_topic_has() {
    let has = DescribeConfigsResourceResult::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("1000")))
        .with_config_source(1);
    let has = DescribeConfigsResult::default()
        .with_resource_name(text("first-test"))
        .with_configs(vec![has]);
    let altered = m::alter_configs_response::AlterConfigsResourceResponse::default();
    let answers = vec![
        m::DescribeConfigsResponse::default().with_results(vec![has]).into(),
        m::AlterConfigsResponse::default().with_responses(vec![altered]).into(),
    ];
    let command = Command::AlterConfig {
        topic: "first-test".into(),
        config: [("min.insync.replicas".to_owned(), "2".to_owned())].into(),
    };
    let (_, output, exit) = play(Preset::V2_3, command, answers);
    let expected = "Completed Updating config for entity: topic 'first-test'.\n";
    assert_eq!((output.as_str(), exit), (expected, 0));
}

#[test]
fn elections_say_what_succeeded_what_was_needless_and_what_failed() {
    let part =
        |id: i32, code: i16| PartitionResult::default().with_partition_id(id).with_error_code(code);
    let results = vec![
        part(0, error::NONE),
        part(1, error::ELECTION_NOT_NEEDED),
        part(2, error::PREFERRED_LEADER_NOT_AVAILABLE)
            .with_error_message(Some(text("no live one"))),
    ];
    let topic = ReplicaElectionResult::default().with_topic(name("orders"));
    let answer = m::ElectLeadersResponse::default()
        .with_replica_election_results(vec![topic.with_partition_result(results)]);
    let command = Command::ElectLeaders { partitions: None, unclean: false };
    let (_, output, exit) = play(Preset::V2_5, command, vec![answer.into()]);
    assert_eq!(exit, 1);
    insta::assert_snapshot!(output);
}

#[test]
fn a_broker_that_is_not_the_controller_any_more_is_left_for_the_one_that_is() {
    let mut stage = Stage::new(Preset::V2_5, tool(create("first-test", 1, 1)));
    stage.introduce(metadata(&[]));
    stage.bench.remark("the topics there are");
    stage.tell(metadata(&[(1, 0)]));
    let controller = stage.asked(Api::CreateTopics);
    stage.answer(controller, created(error::NOT_CONTROLLER, None));
    stage.bench.remark("broker 1 was the controller");
    stage.bench.take();
    stage.bench.advance(Duration::from_millis(90));
    stage.tell(metadata(&[]).with_controller_id(m::BrokerId(2)));
    stage.bench.advance(Duration::from_millis(100));
    let controller = stage.asked(Api::CreateTopics);
    stage.answer(controller, created(error::NONE, None));
    assert_eq!(stage.bench.machine().printed(), "Created topic first-test.\n");
    insta::assert_snapshot!(stage.bench.take());
}

/// What a tool prints that gets no answer: with nobody there (`false`), or with brokers that say nothing.
fn in_vain(preset: Preset, command: Command, brokers: bool) -> String {
    let mut stage = Stage::new(preset, tool(command));
    if brokers {
        stage.introduce(metadata(&[]));
        stage.welcome();
    }
    for _ in 0..125 {
        stage.bench.advance(Duration::from_secs(1));
    }
    stage.bench.machine().printed().to_owned()
}

#[test]
fn without_any_broker_a_tool_waits_for_its_time_and_fails() {
    let mut stage = Stage::new(Preset::V2_3, tool(create("first-test", 1, 1)));
    stage.bench.advance(Duration::from_millis(60_000));
    assert!(stage.bench.machine().printed().is_empty());
    stage.bench.advance(Duration::from_millis(1));
    let class = "org.apache.kafka.common.errors.TimeoutException";
    let message = "Timed out waiting for a node assignment.";
    let expected = format!(
        "Error while executing topic command : {class}: {message}\n\
         [2020-09-13 12:27:40,001] ERROR java.util.concurrent.ExecutionException: {class}: {message}\n\
         Caused by: {class}: {message}\n (kafka.admin.TopicCommand$)\n"
    );
    assert_eq!(stage.bench.machine().printed(), expected);
}

#[test]
fn time_outs_are_told_in_the_words_of_their_version() {
    let elect = |partitions| Command::ElectLeaders { partitions, unclean: false };
    let named = Some(vec![TopicPartition::new("orders", 0), TopicPartition::new("orders", 1)]);
    let mut told = String::new();
    for preset in [Preset::V2_3, Preset::V2_5] {
        let list = || Command::DescribeTopic { topic: None };
        told.push_str(&format!("## {preset:?}: nobody\n{}", in_vain(preset, list(), false)));
        told.push_str(&format!("## {preset:?}: no answer\n{}", in_vain(preset, list(), true)));
        told.push_str(&format!("## {preset:?}: all\n{}", in_vain(preset, elect(None), false)));
        let some = in_vain(preset, elect(named.clone()), false);
        told.push_str(&format!("## {preset:?}: named\n{some}"));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn whatever_else_the_controller_says_is_the_answer() {
    let answers = vec![metadata(&[(1, 0)]).into(), created(error::REQUEST_TIMED_OUT, None)];
    let (_, output, exit) = play(Preset::V2_5, create("first-test", 1, 1), answers);
    let first = "Error while executing topic command : org.apache.kafka.common.errors.TimeoutException: \
                 The request timed out.";
    assert_eq!((output.lines().next(), exit), (Some(first), 1));
}
