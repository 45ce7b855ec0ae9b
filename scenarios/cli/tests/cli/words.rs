//! What the command says of itself: help, completions, manual pages, the library, and what was meant by a wrong word. When it
//! uses colours.

use insta::assert_snapshot;
use serde_json::Value;

use super::{assert_has, came, command, rehearsal, root};

/// The names of all commands, as the help lists them.
fn commands() -> Vec<String> {
    let help = rehearsal(&["--help"]).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_command_has_help_with_examples() {
    let commands = commands();
    for known in ["run", "list", "show", "up", "completions", "man", "help"] {
        assert!(commands.iter().any(|command| command == known), "no {known} in {commands:?}");
    }
    for name in commands.iter().filter(|name| *name != "help") {
        for args in [[name, "--help"], [name, "-h"], ["help", name]] {
            let came = rehearsal(&args);
            assert_eq!((came.code, came.err.as_str()), (Some(0), ""), "{args:?}");
            assert_has(&came.out, &["Usage: rehearsal", "Examples:", &format!("rehearsal {name}")]);
        }
    }
    assert_has(&rehearsal(&["help"]).out, &["Examples:", "rehearsal help run", "Exit codes:"]);
    assert_eq!(rehearsal(&["--version"]).out.lines().count(), 1);
}

#[test]
fn help_of_run() {
    assert_snapshot!(rehearsal(&["help", "run"]).out);
}

#[test]
fn help_of_the_library() {
    let help = ["list", "show"].map(|name| rehearsal(&[name, "-h"]).out);
    assert_snapshot!(help.join("\n"));
}

#[test]
fn every_shell_is_told_how_to_ask() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let came = rehearsal(&["completions", shell]);
        assert_eq!((came.code, came.err.as_str()), (Some(0), ""), "{shell}");
        assert_has(&came.out, &["COMPLETE", "rehearsal"]);
    }
    let came = rehearsal(&["completions", "dish"]);
    assert_eq!(came.code, Some(3));
    assert_has(&came.err, &["dish", "fish"]);
}

/// What may stand in place of the last word.
fn completed(words: &[&str]) -> Vec<String> {
    let all: Vec<_> = ["--", "rehearsal"].iter().chain(words).copied().collect();
    let mut asked = command(&all);
    asked.env("COMPLETE", "bash").env("_CLAP_IFS", "\n");
    asked.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let came = came(&mut asked);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    came.out.lines().map(str::to_owned).collect()
}

#[test]
fn commands_options_names_and_files_are_completed() {
    assert_eq!(completed(&["comp"]), ["completions"]);
    assert!(completed(&["run", "steady-state", "--se"]).contains(&"--seeds".to_owned()));
    assert_eq!(completed(&["run", "lose-the-c"]), ["lose-the-controller"]);
    assert_eq!(completed(&["show", "steady"]), ["steady-state"]);
    assert_eq!(
        completed(&["run", "steady-state", "scenarios/library/steady"]),
        ["scenarios/library/steady-state.toml"]
    );
    assert_eq!(completed(&["run", "steady-state", "--cluster", "READ"]), ["README.md"]);
    assert_eq!(completed(&["run", "READ"]), Vec::<String>::new(), "no scenario");
}

#[test]
fn manual_pages_have_the_words_of_the_help() {
    let main = rehearsal(&["man"]);
    assert_eq!((main.code, main.err.as_str()), (Some(0), ""));
    assert_has(&main.out, &[".TH rehearsal 1", ".SH EXAMPLES", ".SH EXIT STATUS"]);
    let folder = tempfile::tempdir().expect("a folder");
    let pages = folder.path().join("man/man1");
    let came = rehearsal(&["man", &pages.display().to_string()]);
    assert_eq!((came.code, came.out.as_str()), (Some(0), ""), "{}", came.err);
    let page = |name: &str| std::fs::read_to_string(pages.join(name)).expect("it is written");
    assert_eq!(page("rehearsal.1"), main.out);
    for name in commands().iter().filter(|name| *name != "help") {
        assert_has(&page(&format!("rehearsal-{name}.1")), &[".SH SYNOPSIS", ".SH EXAMPLES"]);
    }
    let came = rehearsal(&["man", "README.md"]);
    assert_eq!(came.code, Some(3));
    assert_has(&came.err, &["error: cannot write manual pages to `README.md`"]);
}

#[test]
fn the_library_is_listed_with_first_sentences() {
    let came = rehearsal(&["list"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    assert_has(&came.out, &["steady-state", "Nothing happens.", "lose-two-of-three-zookeepers"]);
    assert!(came.out.lines().count() >= 15);
}

#[test]
fn the_library_is_searched_by_words() {
    let came = rehearsal(&["list", "STEADY", "kafka"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    assert!(came.out.starts_with("kafka-steady-state  "), "{}", came.out);
    let none = rehearsal(&["list", "steady", "no-such-word"]);
    assert_eq!((none.code, none.out.as_str()), (Some(3), ""));
    assert_has(&none.err, &["no scenario of the library has `steady no-such-word`"]);
}

#[test]
fn the_library_is_listed_for_programs() {
    let came = rehearsal(&["list", "--json"]);
    let lines = came.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON"));
    let stories: Vec<Value> = lines.collect();
    let steady = stories.iter().find(|story| story["name"] == "steady-state").expect("it is there");
    assert_eq!(steady["story"], "Nothing happens.");
    assert!(steady["about"].as_str().is_some_and(|about| about.starts_with("Nothing happens.")));
    assert!(stories.len() >= 15);
}

#[test]
fn a_scenario_of_the_library_is_shown_as_it_is() {
    let came = rehearsal(&["show", "lose-the-leader"]);
    assert_eq!((came.code, came.err.as_str()), (Some(0), ""));
    let file = root().join("scenarios/library/lose-the-leader.toml");
    assert_eq!(came.out, std::fs::read_to_string(file).expect("it is in the library"));
    let came = rehearsal(&["show", "lose-the-laeder"]);
    assert_eq!((came.code, came.out.as_str()), (Some(3), ""));
    assert_has(&came.err, &["`lose-the-laeder`", "did you mean `lose-the-leader`?"]);
}

#[test]
fn what_was_meant() {
    let compose = "scenarios/clusters/confluent-corrected/docker-compose.yml";
    let mistakes: [&[&str]; 9] = [
        &["run", "steady-stat"],
        &["run", "nothing-like-it"],
        &["run", "./nothing-like-it.toml"],
        &["run", "scenarios/library/"],
        &["run", compose],
        &["run", "--cluster", compose, "steady-state.toml"],
        &["run", "steady-state", "--cluster", "steady-state.toml"],
        &["run", "steady-state", "--seeds", "7"],
        &["lits"],
    ];
    let said = mistakes.map(|args| {
        let came = rehearsal(args);
        assert_eq!((came.code, came.out.as_str()), (Some(3), ""), "{args:?}");
        format!("$ rehearsal {}\n{}", args.join(" "), came.err)
    });
    assert_snapshot!(said.join("\n"));
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let colours = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(args);
        command.envs(variables.iter().copied());
        let came = came(&mut command);
        format!("{}{}", came.out, came.err).contains('\u{1b}')
    };
    for args in [&["list"][..], &["help"], &["run"], &["run", "no-such.toml"]] {
        let with = |colour: &'static str| [args, &["--color", colour]].concat();
        assert!(!colours(args, &[]), "{args:?}");
        assert!(!colours(args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), "{args:?}");
        assert!(!colours(&with("never"), &[("CLICOLOR_FORCE", "1")]), "{args:?}");
    }
    for args in [&["list"][..], &["--help"]] {
        assert!(colours(args, &[("CLICOLOR_FORCE", "1")]), "{args:?}");
        assert!(colours(&[args, &["--color=always"]].concat(), &[("NO_COLOR", "1")]), "{args:?}");
    }
}
