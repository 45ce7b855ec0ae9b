//! The layout of files: the library has it, blanks do not matter, nothing gets lost.

use proptest::prelude::*;

use super::{shipped, shown};
use crate::script::formatted;

fn laid_out(text: &str) -> String {
    formatted(text, "scenario.toml").expect("it is TOML")
}

fn values(text: &str) -> toml::Table {
    toml::from_str(text).expect("it is TOML")
}

#[test]
fn what_ships_is_laid_out() {
    let differs = |(_, text): &&(_, String)| laid_out(text) != *text;
    let files = shipped();
    let wrong: Vec<_> = files.iter().filter(differs).map(|(path, _)| path.display()).collect();
    assert!(wrong.is_empty(), "`rehearsal fmt` would change {wrong:?}");
}

#[test]
fn a_file_that_nobody_has_laid_out() {
    let text = r##"

name="a-mess"   # what it is
duration = '60s'
about = """
Nothing   in here   is touched,  not = even this.
"""
[cluster]
# as in production
zookeeper=3
brokers    =3


kafka-config = {"auto.create.topics.enable"=false,replica.lag.time.max.ms = 10_000}
topics = [ {name="orders" , replicas=[ [1,2,3],[2, 3,1] ]}, ]
[[clients]]
  id = "p1"
  produce = { topic = "orders", rate = "20/s" }
# The other one.
[[ clients ]]
id = "c1"
consume = { topic = "orders" }
[timeline]
steps = [ { id = "down", at = "5s", do = "kill", nodes = "kafka-1" },
    # Back again.
  {id = "up", at="down + 5s",   do="restart",nodes="victims(down)"}


  , { at = "20s", do = "create-topic", topic = "new", prints = [
 "Created", # by the tool
        "topic"
] }
]

[expect]
finally = ["failed(p1) = 0",
"lost(orders) = 0" # never
]
never = [ ]
sometimes = [
]"##;
    let once = laid_out(text);
    assert_eq!(values(text), values(&once));
    assert_eq!(laid_out(&once), once);
    shown("a_file_that_nobody_has_laid_out", &once);
}

#[test]
fn what_is_not_toml_is_left_alone() {
    let found = formatted("name = \"x\nduration = 3", "x.toml").expect_err("it is not TOML");
    assert!(found.iter().all(|one| one.code == "E0001"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Blanks before and behind every sign, and indentation, in any number.
    #[test]
    fn blanks_do_not_matter(
        which in any::<prop::sample::Index>(),
        blanks in prop::collection::vec(0..4_usize, 1..40),
    ) {
        let files = shipped();
        let text = &which.get(&files).1;
        let mut blanks = blanks.iter().cycle();
        let mut disturbed = String::new();
        let mut string = None;
        for line in text.split_inclusive('\n') {
            let is_text = string.is_some();
            if line.contains("\"\"\"") {
                string = if is_text { None } else { Some(()) };
            }
            let begins = line.trim_start();
            if is_text || string.is_some() || begins.starts_with(['[', '#']) {
                disturbed.push_str(line);
                continue;
            }
            let mut quoted = false;
            disturbed.push_str(&" ".repeat(*blanks.next().expect("it goes on")));
            for (index, letter) in begins.char_indices() {
                quoted ^= letter == '"' && !begins[..index].ends_with('\\');
                if !quoted && letter == '#' {
                    disturbed.push_str(&begins[index..]);
                    break;
                }
                let is_sign = !quoted && "={},[]".contains(letter);
                let count = if is_sign { *blanks.next().expect("it goes on") } else { 0 };
                disturbed.push_str(&" ".repeat(count));
                disturbed.push(letter);
                disturbed.push_str(&" ".repeat(count / 2));
            }
        }
        prop_assert_eq!(values(text), values(&disturbed));
        prop_assert_eq!(laid_out(text), laid_out(&disturbed));
    }
}
