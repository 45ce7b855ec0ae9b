//! No text makes the importer panic, and no small text makes it work long or take much memory.

use proptest::prelude::*;
use scenarios::import::{Source, cluster_of};

const ZOO_CFG: &str =
    include_str!("../../clusters/confluent-package-corrected/broker01/zookeeper.properties");
const SERVER: &str = include_str!("../../clusters/plain-three-and-three/kafka-1/server.properties");
const BROKERS: &str = include_str!("../../clusters/bitnami-parts/docker-compose.yml");
const ZOOKEEPERS: &str = include_str!("../../clusters/bitnami-parts/zookeepers.yml");

const FILES: &[&str] = &[
    include_str!("../../clusters/wurstmeister-three-by-mistake/docker-compose.yml"),
    include_str!("../../clusters/wurstmeister-corrected/docker-compose.yml"),
    include_str!("../../clusters/confluent-tabs/docker-compose.yml"),
    include_str!("../../clusters/confluent-localhost-lists/docker-compose.yml"),
    include_str!("../../clusters/confluent-corrected/docker-compose.yml"),
    include_str!("../../clusters/wurstmeister-published/docker-compose.yml"),
    include_str!("../../clusters/confluent-mistakes/docker-compose.yml"),
    include_str!("../../clusters/bitnami-without-cfg/docker-compose.yml"),
    include_str!("../../clusters/debezium-three/docker-compose.yml"),
    include_str!("../../clusters/chroots/docker-compose.yml"),
    include_str!("../../clusters/ansible-three/zk-1/zoo.cfg"),
    ZOO_CFG,
    SERVER,
    include_str!("../../clusters/plain-three-and-three/topics.txt"),
    BROKERS,
    ZOOKEEPERS,
    include_str!("../../clusters/bitnami-parts/zookeeper.env"),
];

/// What a text may be given as.
const NAMES: [&str; 6] = [
    "docker-compose.yml",
    "zk-1/zoo.cfg",
    "kafka-1/server.properties",
    "topics.txt",
    "docker-compose.override.yml",
    "zookeeper.env",
];

/// Imports `text` under one of these names, alone and beside others, and looks at every diagnostic as a person would see it.
fn import(text: &str, name: &str) {
    let file = |name: &str, text: &str| Source { name: name.to_owned(), text: text.to_owned() };
    let alone = vec![file(name, text)];
    let beside = match name {
        "kafka-1/server.properties" | "topics.txt" => {
            vec![file("zoo.cfg", ZOO_CFG), file("server.properties", SERVER)]
        }
        "zk-1/zoo.cfg" => vec![file("zk-1/server.properties", text)],
        "zookeeper.env" => {
            vec![file("compose.yml", BROKERS), file("zookeepers.yml", ZOOKEEPERS)]
        }
        _ => vec![file("compose.yml", BROKERS), file("zookeepers.yml", text)],
    };
    let together = beside.into_iter().chain(alone.clone()).collect();
    for sources in [alone, together] {
        for diagnostic in cluster_of(&sources).err().into_iter().flatten() {
            assert!(diagnostic.source.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
            assert!(!diagnostic.at().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_is_answered(name in 0..NAMES.len(), text in "[\\PC\\n\\t]{0,300}") {
        import(&text, NAMES[name]);
    }

    #[test]
    fn any_bytes_are_answered(name in 0..NAMES.len(), bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        import(&String::from_utf8_lossy(&bytes), NAMES[name]);
    }

    #[test]
    fn text_that_looks_like_yaml_is_answered(
        name in 0..NAMES.len(),
        words in proptest::collection::vec(
            "(services|a|image|zookeeper|bitnami/kafka|environment|extends|include|env_file|service|file|path|command|kafka-topics --create --topic|scale|ports|9-3:1|links|<<|!reset |&x|\\*x|:|: |- |\\{|\\}|\\[|\\]|\n|\n  |\n    |\n\t|\\$\\{A|'|\"|,|#|\\||>)",
            0..60),
    ) {
        import(&words.concat(), NAMES[name]);
    }

    #[test]
    fn text_that_looks_like_lists_of_settings_is_answered(
        name in 0..NAMES.len(),
        words in proptest::collection::vec(
            "(Topic|Partition|PartitionCount|ReplicationFactor|Configs|Replicas|Isr|broker.id|listeners|zookeeper.connect|server.1|clientPort|log.dirs|dataDir|initLimit|PLAINTEXT://|localhost|kafka-1|0.0.0.0|:|: |=|,|/|;|\n|\t| |1|2|-1|99999999999|\\\\|\\\\u12)",
            0..60),
    ) {
        import(&words.concat(), NAMES[name]);
    }

    /// One character of a real file replaced, removed or doubled.
    #[test]
    fn a_slip_of_the_finger_is_answered(
        file in 0..FILES.len(),
        name in 0..NAMES.len(),
        at in any::<prop::sample::Index>(),
        new in "[\\PC\\t\\n:#{}\\[\\]&*$-]{0,2}",
    ) {
        let text = FILES[file];
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = *at.get(&places);
        let length = text[at..].chars().next().map_or(0, char::len_utf8);
        import(&format!("{}{new}{}", &text[..at], &text[at + length..]), NAMES[name]);
    }
}

#[test]
fn bombs_of_aliases_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let refused = |text: &str| {
        let name = "docker-compose.yml".to_owned();
        let found = cluster_of(&[Source { name, text: text.to_owned() }]).expect_err("refused");
        found.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ")
    };
    insta::assert_snapshot!(refused(&bomb), @"this is not YAML: aliases make more than 50000 values of it");
    let mut merges = "m0: &m0 { a: 1, b: 2, c: 3, d: 4 }\n".to_owned();
    for level in 1..2_000 {
        merges.push_str(&format!("m{level}: &m{level} {{ <<: *m{}, k{level}: 1 }}\n", level - 1));
    }
    insta::assert_snapshot!(refused(&merges), @"this is not YAML: aliases make more than 50000 values of it");
    let mut chain = "c0: &c0 [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n".to_owned();
    for level in 1..400 {
        chain.push_str(&format!("c{level}: &c{level} [[[[*c{}]]]]\n", level - 1));
    }
    insta::assert_snapshot!(refused(&chain), @"this is not YAML: nested more than 64 deep");
    insta::assert_snapshot!(refused(&"[".repeat(100_000)), @"this is not YAML: recursion limit exceeded");
    insta::assert_snapshot!(refused("services: &s { a: *s }\n"), @"this is not YAML: an alias stands inside what it stands for");
}
