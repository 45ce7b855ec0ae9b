//! Znodes byte for byte as they were seen in a cluster of 2.3.0.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is text")
}

fn assignment(partitions: &[(i32, &[i32])]) -> BTreeMap<i32, Vec<BrokerId>> {
    let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    partitions.iter().map(|(partition, replicas)| (*partition, ids(replicas))).collect()
}

fn plain(port: u16) -> Endpoint {
    Endpoint { name: "PLAINTEXT".into(), host: "127.0.0.1".into(), port }
}

fn registered(endpoints: Vec<Endpoint>, rack: Option<&str>) -> Registration {
    let protocols = endpoints.iter().map(|endpoint| (endpoint.name.clone(), "PLAINTEXT".into()));
    Registration {
        protocols: protocols.collect(),
        endpoints,
        timestamp: 1_795_210_778_883,
        rack: rack.map(str::to_owned),
    }
}

#[test]
fn a_broker_registers() {
    let broker = registered(vec![plain(9091)], None);
    let json = concat!(
        r#"{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"#,
        r#""endpoints":["PLAINTEXT://127.0.0.1:9091"],"jmx_port":-1,"host":"127.0.0.1","#,
        r#""timestamp":"1795210778883","port":9091,"version":4}"#
    );
    assert_eq!(text(broker.to_json()), json);
    assert_eq!(Registration::from_json(json.as_bytes()), Some(broker));
}

#[test]
fn a_broker_with_a_rack_and_two_listeners_registers() {
    let outside = Endpoint { name: "OUTSIDE".into(), host: "::1".into(), port: 19092 };
    let mut broker = registered(vec![outside, plain(9092)], Some("r1"));
    broker.protocols.insert("OUTSIDE".into(), "SSL".into());
    let json = concat!(
        r#"{"listener_security_protocol_map":{"OUTSIDE":"SSL","PLAINTEXT":"PLAINTEXT"},"#,
        r#""endpoints":["OUTSIDE://[::1]:19092","PLAINTEXT://127.0.0.1:9092"],"rack":"r1","#,
        r#""jmx_port":-1,"host":"127.0.0.1","timestamp":"1795210778883","port":9092,"version":4}"#
    );
    assert_eq!(text(broker.to_json()), json);
    assert_eq!(Registration::from_json(json.as_bytes()), Some(broker.clone()));
    broker.endpoints.pop();
    assert!(text(broker.to_json()).contains(r#""host":null,"#), "no plain address for old clients");
}

#[test]
fn a_partition_has_its_state() {
    let json = r#"{"controller_epoch":2,"leader":-1,"version":1,"leader_epoch":1,"isr":[1,2]}"#;
    let state = State {
        controller_epoch: ControllerEpoch(2),
        leader: BrokerId::NONE,
        epoch: LeaderEpoch(1),
        isr: vec![BrokerId(1), BrokerId(2)],
    };
    assert_eq!(text(state.to_json()), json);
    assert_eq!(State::from_json(json.as_bytes()), Some(state.clone()));
    let otherwise =
        br#"{ "isr":[1,2], "leader_epoch":1, "new":{}, "leader":-1, "controller_epoch":2 }"#;
    assert_eq!(State::from_json(otherwise), Some(state));
    assert_eq!(State::from_json(br#"{"leader":1}"#), None);
    assert_eq!(State::from_json(b""), None);
}

#[test]
fn partitions_stand_in_the_order_of_scalas_maps() {
    let six: [(i32, &[i32]); 6] = [
        (0, &[2, 3, 1]),
        (1, &[3, 1, 2]),
        (2, &[1, 2, 3]),
        (3, &[2, 3, 1]),
        (4, &[3, 1, 2]),
        (5, &[1, 2, 3]),
    ];
    let six = assignment(&six);
    let json = concat!(
        r#"{"version":1,"partitions":{"4":[3,1,2],"5":[1,2,3],"1":[3,1,2],"#,
        r#""0":[2,3,1],"2":[1,2,3],"3":[2,3,1]}}"#
    );
    assert_eq!(text(topic_json(&six, Preset::V2_3)), json);
    assert_eq!(topic_from_json(json.as_bytes()), Some(six.clone()));
    // The znodes of the last three were made in the order 4, 3, 5, those of the first three as 2, 1, 0.
    let order = partition_order("first-test", &six);
    assert_eq!(order.into_iter().filter(|new| *new >= 3).collect::<Vec<_>>(), [4, 3, 5]);
    let three = assignment(&[(0, &[2, 3, 1]), (1, &[3, 1, 2]), (2, &[1, 2, 3])]);
    assert_eq!(partition_order("first-test", &three), [2, 1, 0]);
}

#[test]
fn the_topic_znode_of_2_5_also_has_what_is_being_moved() {
    let one = assignment(&[(0, &[1])]);
    assert_eq!(text(topic_json(&one, Preset::V2_3)), r#"{"version":1,"partitions":{"0":[1]}}"#);
    let json =
        r#"{"version":2,"partitions":{"0":[1]},"adding_replicas":{},"removing_replicas":{}}"#;
    assert_eq!(text(topic_json(&one, Preset::V2_5)), json);
    assert_eq!(topic_from_json(json.as_bytes()), Some(one));
    assert_eq!(topic_from_json(br#"{"partitions":{"x":[1]}}"#), None);
}

#[test]
fn the_small_ones_are_as_they_were_seen() {
    let controller = r#"{"version":1,"brokerid":3,"timestamp":"1795210779151"}"#;
    assert_eq!(text(controller_json(BrokerId(3), 1_795_210_779_151)), controller);
    assert_eq!(controller_from_json(controller.as_bytes()), Some(BrokerId(3)));
    assert_eq!(controller_epoch_from(b"12"), Some(ControllerEpoch(12)));
    assert_eq!(controller_epoch_from(b"x"), None);
    let change = r#"{"version":2,"entity_path":"topics/first-test"}"#;
    assert_eq!(text(config_change_json("first-test")), change);
    assert_eq!(config_change_from_json(change.as_bytes()).as_deref(), Some("first-test"));
    let isr = r#"{"version":1,"partitions":[{"topic":"t","partition":0}]}"#;
    let partitions = vec![TopicPartition::new("t", 0)];
    assert_eq!(text(partitions_json(&partitions)), isr);
    assert_eq!(partitions_from_json(isr.as_bytes()), Some(partitions));
    let ids = r#"{"version":1,"broker":2,"block_start":"2000","block_end":"2999"}"#;
    assert_eq!(text(producer_ids_json(BrokerId(2), 2000)), ids);
    assert_eq!(next_producer_ids(ids.as_bytes()), Some(3000));
}

#[test]
fn a_cluster_has_an_id_of_22_letters() {
    let json = r#"{"version":"1","id":"igYE2MDXQ1mFXdO2dyHbKg"}"#;
    assert_eq!(text(cluster_id_json("igYE2MDXQ1mFXdO2dyHbKg")), json);
    assert_eq!(cluster_id_from_json(json.as_bytes()).as_deref(), Some("igYE2MDXQ1mFXdO2dyHbKg"));
    let bytes = [
        0x8a, 0x06, 0x04, 0xd8, 0xc0, 0xd7, 0x43, 0x59, 0x85, 0x5d, 0xd3, 0xb6, 0x77, 0x21, 0xdb,
        0x2a,
    ];
    assert_eq!(cluster_id_of(bytes), "igYE2MDXQ1mFXdO2dyHbKg");
}

#[test]
fn settings_stand_in_the_order_of_properties() {
    assert_eq!(text(config_json(&BTreeMap::new())), r#"{"version":1,"config":{}}"#);
    let json = concat!(
        r#"{"version":1,"config":{"min.insync.replicas":"2","#,
        r#""unclean.leader.election.enable":"true"}}"#
    );
    let config = config_from_json(json.as_bytes()).expect("as it was seen");
    assert_eq!(text(config_json(&config)), json);
}

proptest! {
    #[test]
    fn whatever_is_written_is_read(
        texts in prop::collection::btree_map(".{0,8}", ".{0,8}", 0..20),
        partitions in prop::collection::btree_map(
            0..200, prop::collection::vec((0..9).prop_map(BrokerId), 0..4), 0..40,
        ),
    ) {
        prop_assert_eq!(config_from_json(&config_json(&texts)), Some(texts));
        for preset in Preset::ALL {
            let read = topic_from_json(&topic_json(&partitions, preset));
            prop_assert_eq!(read.as_ref(), Some(&partitions));
        }
        prop_assert_eq!(partition_order("t", &partitions).len(), partitions.len());
    }

    #[test]
    fn no_bytes_are_dangerous(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        drop(State::from_json(&bytes));
        drop(Registration::from_json(&bytes));
        drop(topic_from_json(&bytes));
        drop(partitions_from_json(&bytes));
        next_producer_ids(&bytes);
    }
}
