//! Nothing anybody wrote is lost in silence: every variable and every key of every file in `clusters/` turns up as a setting,
//! in a finding, or among what nobody reads.

use std::collections::BTreeSet;
use std::path::Path;

use reports::survey::Survey;

use crate::{files, folders, told};

/// `file:line` of everything the survey speaks of.
fn places(survey: &Survey) -> BTreeSet<String> {
    let settings = survey.settings.iter().flat_map(|section| &section.settings);
    let origins = settings.flat_map(|setting| &setting.values).flat_map(|valued| &valued.from);
    let findings = survey.findings.iter().map(|finding| &finding.at);
    let unread = survey.unread.iter().map(|unread| &unread.at);
    let place = |at: &String| {
        let mut parts = at.split(':');
        Some(format!("{}:{}", parts.next()?, parts.next()?))
    };
    origins.chain(findings).chain(unread).filter_map(place).collect()
}

/// The variable that a line of a compose file sets, if it looks like one.
fn variable(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches("- ").trim_matches(['"', '\'']);
    let (name, _) = line.split_once([':', '='])?;
    let shouts =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    (name.len() > 3 && name.contains('_') && name.chars().all(shouts)).then_some(name)
}

/// The key that a line of a properties file sets.
fn key(line: &str) -> Option<&str> {
    let line = line.trim();
    let (name, _) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    Some(name)
}

/// Variables that images obey without making a setting of them: they are told as the `myid` in the table of servers, or by a
/// container that starts.
const OBEYED: [&str; 5] =
    ["ZOO_MY_ID", "ZOO_SERVER_ID", "ZOOKEEPER_SERVER_ID", "SERVER_ID", "ALLOW_PLAINTEXT_LISTENER"];

/// What is written in a file, with its line.
fn written(file: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(file).expect("it is in the repository");
    let is_compose = file.extension().is_some_and(|extension| extension == "yml");
    let is_properties =
        file.extension().is_some_and(|extension| extension == "cfg" || extension == "properties");
    let named = |(index, line): (usize, &str)| {
        let name = match (is_compose, is_properties) {
            (true, _) => variable(line),
            (_, true) => key(line),
            _ => None,
        };
        let name = name.filter(|name| !OBEYED.contains(name))?;
        Some((index + 1, name.to_owned()))
    };
    text.lines().enumerate().filter_map(named).collect()
}

#[test]
fn nothing_is_lost_in_silence() {
    let mut lost = Vec::new();
    for folder in folders() {
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        // What cannot be read says so itself.
        let Ok(told) = told(&name, 1) else { continue };
        let places = places(&told);
        for file in files(&folder) {
            for (line, name) in written(&file) {
                let place = format!("{}:{line}", file.display());
                if !places.contains(&place) {
                    lost.push(format!("{place}: {name}"));
                }
            }
        }
    }
    assert!(lost.is_empty(), "lost in silence:\n{}", lost.join("\n"));
}
