//! Opening, playing, and what is said when something does not hold.

use scenarios::{Scenario, Unplayable, Verdict};

const LIBRARY: &str = "library/lose-the-leader.toml";

/// Promises too much: nobody leads while an election lasts.
const TOO_MUCH: &str = r#"
name     = "promises-too-much"
duration = "20s"
cluster  = { zookeeper = 3 }
timeline = { steps = [{ id = "down", at = "5s", do = "kill", nodes = "zk.leader" }] }
expect   = { never = [{ that = "not zk.quorum", during = "3s..end" }] }
"#;

#[test]
fn a_file_of_the_library_holds_and_tells_its_story() -> Result<(), Unplayable> {
    let runs = Scenario::open(LIBRARY)?.seeds(1..=2).assert_holds();
    assert_eq!(runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [1, 2]);
    let twice = Scenario::open(LIBRARY)?.seed(2).run()?;
    assert_eq!(runs[1].fingerprint, twice[0].fingerprint, "the same seed, the same run");
    let timeline = runs[0].timeline();
    let ten: Vec<_> = timeline.lines().take(10).collect();
    insta::assert_snapshot!(ten.join("\n"));
    Ok(())
}

#[test]
fn a_failure_says_why_and_how_to_see_it_again() -> Result<(), Unplayable> {
    let failure = Scenario::parse(TOO_MUCH)?.seeds(4..=9).holds().expect_err("nobody leads");
    insta::assert_snapshot!(failure);
    assert_eq!(failure.seed(), Some(4));
    assert!(failure.is_broken());
    Ok(())
}

#[test]
fn the_command_line_that_plays_it_is_told_where_there_is_one() -> Result<(), Unplayable> {
    let compose = "clusters/wurstmeister-three-by-mistake/docker-compose.yml";
    let scenario = Scenario::open("library/lose-two-of-three-zookeepers.toml")?.on(compose);
    let failure = scenario.seed(3).holds().expect_err("three servers that are strangers");
    let told = failure.to_string();
    let again = told.split("Again").nth(1).expect("the commands come last").trim();
    insta::assert_snapshot!(again, @r"
    REHEARSAL_SEED=3 cargo test holds::the_command_line_that_plays_it_is_told_where_there_is_one
      rehearsal run library/lose-two-of-three-zookeepers.toml --seed 3 --cluster clusters/wurstmeister-three-by-mistake/docker-compose.yml
    ");
    let run = failure.run().expect("it was played");
    assert_eq!(run.verdict, Verdict::Fail);
    assert_eq!(run.violations[0].check, "Z01", "what is wrong with the files comes first");
    Ok(())
}

#[test]
fn whatever_cannot_be_played_is_said_with_its_place() {
    let missing = Scenario::open("library/no-such-file.toml").expect_err("it is not there");
    let broken = Scenario::parse("name = \"x\"\nduration = 5\ncluster = { zookeper = 3 }\n");
    let broken = broken.expect_err("two mistakes");
    let strange = Scenario::open(LIBRARY).expect("it is there").on("no-such-compose.yml");
    let strange = strange.holds().expect_err("the cluster is not there");
    insta::assert_snapshot!(format!("{missing}\n\n{broken}\n\n{strange}"));
    assert!(strange.run().is_none() && !strange.is_broken());
}

#[test]
#[should_panic(expected = "REHEARSAL_SEED=1 cargo test holds::a_panic_names_the_test")]
fn a_panic_names_the_test_and_the_seed() {
    Scenario::parse(TOO_MUCH).expect("it is a scenario").assert_holds();
}
