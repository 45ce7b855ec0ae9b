//! No text makes the importer panic, and no small text makes it work long or take much memory.

use proptest::prelude::*;
use scenarios::import::{Source, cluster_of};

const FILES: [&str; 12] = [
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
    include_str!("../../clusters/confluent-package-corrected/broker01/zookeeper.properties"),
];

/// Imports `text` as a compose file and as a `zoo.cfg`, and shows every diagnostic as a person would see it.
fn import(text: &str) {
    for name in ["docker-compose.yml", "zk-1/zoo.cfg"] {
        let source = Source { name: name.to_owned(), text: text.to_owned() };
        for diagnostic in cluster_of(&[source]).err().into_iter().flatten() {
            assert!(diagnostic.source.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
            assert!(!diagnostic.at().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_answered(text in "[\\PC\\n\\t]{0,300}") {
        import(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        import(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn text_that_looks_like_yaml_is_answered(
        words in proptest::collection::vec(
            "(services|a|image|zookeeper|environment|<<|&x|\\*x|:|: |- |\\{|\\}|\\[|\\]|\n|\n  |\n    |\n\t|\\$\\{A|'|\"|,|#|\\||>)",
            0..60),
    ) {
        import(&words.concat());
    }

    /// One character of a real file replaced, removed or doubled.
    #[test]
    fn a_slip_of_the_finger_is_answered(
        file in 0..FILES.len(),
        at in any::<prop::sample::Index>(),
        new in "[\\PC\\t\\n:#{}\\[\\]&*$-]{0,2}",
    ) {
        let text = FILES[file];
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = *at.get(&places);
        let length = text[at..].chars().next().map_or(0, char::len_utf8);
        import(&format!("{}{new}{}", &text[..at], &text[at + length..]));
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
