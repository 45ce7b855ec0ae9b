//! Topics from their creation to their end, their settings, and what Metadata says about them.

use kafka_protocol::messages::alter_configs_request as ac;
use kafka_protocol::messages::create_partitions_request as cp;
use kafka_protocol::messages::create_topics_request as ct;
use kafka_protocol::messages::describe_configs_request as dc;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;

use super::*;

fn create(topics: &[(&str, i32, i16)]) -> m::CreateTopicsRequest {
    let topic = |(topic, partitions, factor): &(&str, i32, i16)| {
        ct::CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(*partitions)
            .with_replication_factor(*factor)
    };
    m::CreateTopicsRequest::default()
        .with_topics(topics.iter().map(topic).collect())
        .with_timeout_ms(30_000)
}

fn extend(topic: &str, count: i32) -> m::CreatePartitionsRequest {
    let topic = cp::CreatePartitionsTopic::default()
        .with_name(name(topic))
        .with_count(count)
        .with_assignments(None);
    m::CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(1000)
}

fn delete(topic: &str) -> m::DeleteTopicsRequest {
    m::DeleteTopicsRequest::default().with_topic_names(vec![name(topic)]).with_timeout_ms(5000)
}

fn metadata_of(topics: Option<&[&str]>) -> m::MetadataRequest {
    let topic = |topic: &&str| MetadataRequestTopic::default().with_name(Some(name(topic)));
    m::MetadataRequest::default()
        .with_topics(topics.map(|topics| topics.iter().map(topic).collect()))
}

#[test]
fn a_topic_is_written_and_its_leaders_are_waited_for() {
    let mut stage = Stage::of(Preset::V2_3);
    assert_eq!(stage.ask(create(&[("orders", 2, 1)]), 3), None);
    let written = stage.written();
    let lines: Vec<_> = written.lines().collect();
    assert_eq!(lines[0], r#"create /config/topics/orders {"version":1,"config":{}}"#);
    let topic = r#"create /brokers/topics/orders {"version":1,"partitions":{"1":["#;
    assert!(lines[1].starts_with(topic), "{written}");
    assert_eq!((lines.len(), stage.bench.machine().parked), (2, 1));
    stage.learn(&[1, 2, 3], &[("orders", 0, 1)]);
    assert_eq!(stage.response(crate::wire::Api::CreateTopics, 3), None);
    stage.learn(&[1, 2, 3], &[("orders", 1, -1)]);
    assert_eq!(stage.response(crate::wire::Api::CreateTopics, 3), None);
    stage.learn(&[1, 2, 3], &[("orders", 1, 2)]);
    assert_eq!(said(stage.response(crate::wire::Api::CreateTopics, 3)), "orders NONE");
}

#[test]
fn who_waits_too_long_is_told_so() {
    let mut stage = Stage::of(Preset::V2_5);
    assert_eq!(stage.ask(create(&[("orders", 1, 1), ("bad/name", 1, 1)]), 5), None);
    stage.bench.advance(Duration::from_secs(29));
    assert_eq!(stage.response(crate::wire::Api::CreateTopics, 5), None);
    stage.bench.advance(Duration::from_secs(2));
    let Some(Response::CreateTopics(body)) = stage.response(crate::wire::Api::CreateTopics, 5)
    else {
        panic!("it is over");
    };
    let codes: Vec<_> = body.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [error::REQUEST_TIMED_OUT, error::INVALID_TOPIC_EXCEPTION]);
    // Who does not want to wait is told at once, though it is done.
    let mut stage = Stage::of(Preset::V2_5);
    let hasty = create(&[("hasty", 1, 1)]).with_timeout_ms(0);
    assert_eq!(said(stage.ask(hasty, 5)), "hasty REQUEST_TIMED_OUT");
    assert!(stage.written().contains("/brokers/topics/hasty"));
}

#[test]
fn what_cannot_be_created_is_refused_in_kafkas_words() {
    let mut stage = Stage::of(Preset::V2_3);
    stage.zookeeper.put("/brokers/topics/first-test", "{}", 0);
    stage.zookeeper.put("/brokers/topics/my_topic", "{}", 0);
    let mut refused = Vec::new();
    for topic in [
        ("first-test", 1, 1),
        ("new", 1, 4),
        ("new", 0, 1),
        ("new", -1, -1),
        ("bad/name", 1, 1),
        ("my.topic", 1, 1),
        ("my_topic", 1, 1),
    ] {
        refused.push(said(stage.ask(create(&[topic]), 3)));
    }
    refused.push(said(stage.ask(create(&[("twice", 1, 1), ("twice", 2, 1)]), 3)));
    let with = |key: &'static str, value: &'static str| {
        let entry = ct::CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str(key))
            .with_value(Some(StrBytes::from_static_str(value)));
        let mut body = create(&[("new", 1, 1)]);
        body.topics[0].configs.push(entry);
        body
    };
    refused.push(said(stage.ask(with("min.isr", "2"), 3)));
    refused.push(said(stage.ask(with("retention.ms", "week"), 3)));
    let manual = |partitions: &[(i32, &[i32])], count: i32| {
        let ids = |ids: &[i32]| ids.iter().map(|id| m::BrokerId(*id)).collect();
        let one = |(index, replicas): &(i32, &[i32])| {
            ct::CreatableReplicaAssignment::default()
                .with_partition_index(*index)
                .with_broker_ids(ids(replicas))
        };
        let mut body = create(&[("new", count, count as i16)]);
        body.topics[0].assignments = partitions.iter().map(one).collect();
        body
    };
    refused.push(said(stage.ask(manual(&[(0, &[1])], 1), 3)));
    refused.push(said(stage.ask(manual(&[(0, &[1, 1])], -1), 3)));
    refused.push(said(stage.ask(manual(&[(0, &[1]), (1, &[1, 2])], -1), 3)));
    refused.push(said(stage.ask(manual(&[(1, &[1])], -1), 3)));
    let only = create(&[("only-looked-at", 1, 3)]).with_validate_only(true);
    refused.push(said(stage.ask(only, 3)));
    assert_eq!(stage.written(), "");
    refused.push(said(stage.ask(create(&[("no-time", 1, 1)]).with_timeout_ms(-1), 3)));
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn only_the_controller_creates_and_deletes() {
    let mut stage = Stage::of(Preset::V2_3);
    assert_eq!(said(stage.ask(delete("gone"), 3)), "gone UNKNOWN_TOPIC_OR_PARTITION");
    let config = settings(Preset::V2_3, &[("delete.topic.enable", "false")]);
    let mut stage = Stage::new(&config);
    stage.learn(&[1], &[("t", 0, 1)]);
    assert_eq!(said(stage.ask(delete("t"), 3)), "t TOPIC_DELETION_DISABLED");
    assert_eq!(said(stage.ask(delete("t"), 2)), "t INVALID_REQUEST");
    let mut stage = Stage::played_by(&config, false);
    assert_eq!(said(stage.ask(create(&[("t", 1, 1)]), 3)), "t NOT_CONTROLLER");
    assert_eq!(said(stage.ask(extend("t", 2), 1)), "t NOT_CONTROLLER");
    assert_eq!(said(stage.ask(delete("t"), 3)), "t NOT_CONTROLLER");
}

#[test]
fn a_deletion_is_ordered_and_its_end_is_waited_for() {
    let mut stage = Stage::of(Preset::V2_5);
    stage.zookeeper.put("/brokers/topics/t", "{}", 0);
    stage.learn(&[1, 2, 3], &[("t", 0, 1)]);
    assert_eq!(stage.ask(delete("t"), 4), None);
    assert_eq!(stage.ask(delete("t"), 4), None, "a second order waits for the same end");
    assert_eq!(stage.written(), "create /admin/delete_topics/t null");
    stage.learn(&[1, 2, 3], &[("t", 0, -2)]);
    assert_eq!(said(stage.response(crate::wire::Api::DeleteTopics, 4)), "t NONE");
    assert_eq!(said(stage.response(crate::wire::Api::DeleteTopics, 4)), "t NONE");
    // In the cache of a broker that has not heard of the end.
    stage.learn(&[1, 2, 3], &[("ghost", 0, 1)]);
    assert_eq!(said(stage.ask(delete("ghost"), 4)), "ghost UNKNOWN_TOPIC_OR_PARTITION");
}

#[test]
fn partitions_are_added_where_the_first_one_begins() {
    let mut stage = Stage::of(Preset::V2_3);
    let three = r#"{"version":1,"partitions":{"2":[1,2,3],"1":[3,1,2],"0":[2,3,1]}}"#;
    stage.zookeeper.put("/brokers/topics/first-test", three, 0);
    let mut refused = vec![
        said(stage.ask(extend("first-test", 2), 1)),
        said(stage.ask(extend("first-test", 3), 1)),
        said(stage.ask(extend("second-test", 3), 1)),
        said(stage.ask(extend("bad/name", 3), 1)),
    ];
    let manual = |replicas: &[&[i32]]| {
        let ids = |ids: &&[i32]| {
            let ids = ids.iter().map(|id| m::BrokerId(*id)).collect();
            cp::CreatePartitionsAssignment::default().with_broker_ids(ids)
        };
        let mut body = extend("first-test", 4);
        body.topics[0].assignments = Some(replicas.iter().map(ids).collect());
        body
    };
    refused.push(said(stage.ask(manual(&[&[1, 2, 9]]), 1)));
    refused.push(said(stage.ask(manual(&[&[1, 2, 3], &[1, 2, 3]]), 1)));
    refused.push(said(stage.ask(manual(&[&[1, 2, 2]]), 1)));
    refused.push(said(stage.ask(manual(&[&[1, 2]]), 1)));
    assert_eq!(stage.written(), "");
    insta::assert_snapshot!(refused.join("\n"));
    assert_eq!(stage.ask(extend("first-test", 6), 1), None);
    let six = r#"{"4":[3,1,2],"5":[1,2,3],"1":[3,1,2],"0":[2,3,1],"2":[1,2,3],"3":[2,3,1]}"#;
    let written = format!(r#"set /brokers/topics/first-test {{"version":1,"partitions":{six}}}"#);
    assert_eq!(stage.written(), written);
    stage.bench.advance(Duration::from_secs(2));
    let late = said(stage.response(crate::wire::Api::CreatePartitions, 1));
    assert_eq!(late, "first-test REQUEST_TIMED_OUT");
    stage.zookeeper.put("/admin/delete_topics/first-test", "", 0);
    let doomed = said(stage.ask(extend("first-test", 7), 1));
    assert_eq!(doomed, "first-test INVALID_TOPIC_EXCEPTION: The topic is queued for deletion.");
}

fn alter(topic: &str, settings: &[(&'static str, &'static str)]) -> m::AlterConfigsRequest {
    let entry = |(key, value): &(&'static str, &'static str)| {
        ac::AlterableConfig::default()
            .with_name(StrBytes::from_static_str(key))
            .with_value(Some(StrBytes::from_static_str(value)))
    };
    let resource = ac::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_string(topic.to_owned()))
        .with_configs(settings.iter().map(entry).collect());
    m::AlterConfigsRequest::default().with_resources(vec![resource])
}

fn describe(kind: i8, name: &str, keys: Option<&[&'static str]>) -> m::DescribeConfigsRequest {
    let text = |key: &&'static str| StrBytes::from_static_str(key);
    let resource = dc::DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(StrBytes::from_string(name.to_owned()))
        .with_configuration_keys(keys.map(|keys| keys.iter().map(text).collect()));
    m::DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(true)
}

/// All entries of a response, a line for each.
fn entries(response: Option<Response>) -> String {
    let Some(Response::DescribeConfigs(body)) = response else { panic!("nothing was described") };
    let mut text = String::new();
    for entry in &body.results[0].configs {
        let synonyms: Vec<_> = entry
            .synonyms
            .iter()
            .map(|one| {
                format!("{} {}={}", one.source, &*one.name, one.value.as_deref().unwrap_or("null"))
            })
            .collect();
        let (name, value) = (&*entry.name, entry.value.as_deref().unwrap_or("null"));
        let fixed = if entry.read_only { " read-only" } else { "" };
        writeln!(text, "{name}={value} from {}{fixed} {synonyms:?}", entry.config_source)
            .expect("a text takes everything");
    }
    text
}

#[test]
fn settings_are_announced_and_can_be_looked_at() {
    let config =
        settings(Preset::V2_3, &[("log.retention.hours", "1"), ("log.segment.bytes", "1048576")]);
    let mut stage = Stage::new(&config);
    stage.learn(&[1, 2, 3], &[("first-test", 0, 1)]);
    stage.zookeeper.put("/config/topics/first-test", r#"{"version":1,"config":{}}"#, 0);
    let own = [("min.insync.replicas", "2"), ("unclean.leader.election.enable", "true")];
    assert_eq!(said(stage.ask(alter("first-test", &own), 1)), "first-test NONE");
    insta::assert_snapshot!(stage.written());
    let keys = ["min.insync.replicas", "segment.bytes", "retention.ms", "cleanup.policy"];
    insta::assert_snapshot!(entries(stage.ask(describe(2, "first-test", Some(&keys)), 2)));
    let keys = ["log.segment.bytes", "broker.id", "num.io.threads", "fetch.max.bytes"];
    insta::assert_snapshot!(entries(stage.ask(describe(4, "1", Some(&keys)), 2)));
    let whole = entries(stage.ask(describe(2, "first-test", None).with_include_synonyms(false), 0));
    assert_eq!(whole.lines().count(), 26);
}

#[test]
fn settings_are_refused_in_kafkas_words() {
    let mut stage = Stage::of(Preset::V2_5);
    stage.learn(&[1, 2, 3], &[("t", 0, 1)]);
    let mut broker = alter("1", &[]);
    broker.resources[0].resource_type = 4;
    insta::assert_snapshot!(
        [
            said(stage.ask(alter("other", &[]), 1)),
            said(stage.ask(alter("bad/name", &[]), 1)),
            said(stage.ask(alter("t", &[("min.isr", "2")]), 1)),
            said(stage.ask(alter("t", &[("min.insync.replicas", "0")]), 1)),
            said(stage.ask(broker, 1)),
            said(stage.ask(alter("t", &[]).with_validate_only(true), 1)),
            said(stage.ask(describe(2, "other", None), 2)),
            said(stage.ask(describe(4, "2", None), 2)),
            said(stage.ask(describe(4, "x", None), 2)),
            said(stage.ask(describe(9, "x", None), 2)),
        ]
        .join("\n")
    );
    assert_eq!(stage.written(), "");
}

#[test]
fn metadata_say_what_this_broker_believes() {
    let mut stage = Stage::of(Preset::V2_5);
    stage.learn(&[1, 3], &[("a", 0, 1), ("a", 1, 2), ("b", 0, -1)]);
    let all = stage.ask(metadata_of(None), 8);
    assert_eq!(said(all.clone()), "a NONE\nb NONE");
    let Some(Response::Metadata(body)) = all else { panic!("it is answered at once") };
    let brokers: Vec<_> =
        body.brokers.iter().map(|at| (at.node_id.0, &*at.host, at.port)).collect();
    assert_eq!(brokers, [(1, "kafka-1", 9092), (3, "kafka-3", 9092)]);
    assert_eq!(body.cluster_id.as_deref(), Some("igYE2MDXQ1mFXdO2dyHbKg"));
    assert_eq!(body.controller_id.0, 1);
    let of = |place: usize| {
        let state = &body.topics[0].partitions[place];
        (state.error_code, state.leader_id.0, state.leader_epoch, state.replica_nodes.len())
    };
    assert_eq!(of(0), (error::NONE, 1, 4, 2));
    assert_eq!(of(1), (error::LEADER_NOT_AVAILABLE, -1, 4, 2));
    // The first version leaves out who is not alive, and cannot ask for no topic.
    let Some(Response::Metadata(old)) = stage.ask(metadata_of(Some(&[])), 0) else {
        panic!("it is answered at once")
    };
    let state = &old.topics[0].partitions[0];
    assert_eq!((state.error_code, state.replica_nodes.len()), (error::REPLICA_NOT_AVAILABLE, 1));
    assert_eq!(old.topics.len(), 2);
    assert_eq!(said(stage.ask(metadata_of(Some(&[])), 1)), "");
}

#[test]
fn topics_are_created_by_asking_for_them() {
    let config =
        settings(Preset::V2_5, &[("num.partitions", "2"), ("default.replication.factor", "3")]);
    let mut stage = Stage::new(&config);
    stage.learn(&[1, 2, 3], &[("known", 0, 1)]);
    let asked = metadata_of(Some(&["new", "known", "bad/name", "__consumer_offsets", "new"]));
    insta::assert_snapshot!(said(stage.ask(asked, 8)));
    let written = stage.written();
    assert!(written.contains("create /config/topics/new"), "{written}");
    assert!(written.contains(r#"create /brokers/topics/new {"version":2,"partitions":{"1":["#));
    // Another broker's cache may not know the topic yet: it exists, and has no leader.
    assert_eq!(said(stage.ask(metadata_of(Some(&["new"])), 1)), "new LEADER_NOT_AVAILABLE");
    let refused = metadata_of(Some(&["other"])).with_allow_auto_topic_creation(false);
    assert_eq!(said(stage.ask(refused, 4)), "other UNKNOWN_TOPIC_OR_PARTITION");
    for broker in 2..=3 {
        stage.zookeeper.znodes.remove(&format!("/brokers/ids/{broker}"));
    }
    let lonely = said(stage.ask(metadata_of(Some(&["other"])), 8));
    assert_eq!(lonely, "other INVALID_REPLICATION_FACTOR");
    assert_eq!(stage.written(), "");
}

#[test]
fn the_mutant_gives_all_partitions_to_the_same_brokers() {
    let mut config = settings(Preset::V2_3, &[]);
    config.mechanisms.mutants.insert(Mutant::AssignsUnevenly);
    let mut stage = Stage::new(&config);
    assert_eq!(stage.ask(create(&[("t", 3, 2)]), 3), None);
    let json = stage.zookeeper.text("/brokers/topics/t");
    let assigned = crate::zk::znode::topic_from_json(json.as_bytes()).expect("it was written");
    assert!(assigned.values().all(|replicas| replicas == &assigned[&0]), "{json}");
    assert_eq!(assigned.values().next().map(Vec::len), Some(2));
    assert!(assigned[&0].contains(&BrokerId(1)) || assigned[&0].contains(&BrokerId(2)));
}
