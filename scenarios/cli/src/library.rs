//! The scenarios that come with the command, built into it: they can be listed and run by name from anywhere.

use scenarios::script;

use crate::Exit;
use crate::terminal;

/// One scenario of the library.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Its name, that of its file without `.toml`.
    pub name: &'static str,
    /// The text of its file.
    pub source: &'static str,
}

/// All of them, by name.
pub const LIBRARY: &[Story] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The scenario of this name, with or without `.toml`.
pub fn named(name: &str) -> Option<Story> {
    let name = name.strip_suffix(".toml").unwrap_or(name);
    LIBRARY.iter().find(|story| story.name == name).copied()
}

/// `rehearsal list`: each name with the first sentence of its story.
pub fn list() -> Exit {
    let style = terminal::out();
    let width = LIBRARY.iter().map(|story| story.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for story in LIBRARY {
        let about = match script::parse(story.source, story.name) {
            Ok(script) => first_sentence(&script.about),
            Err(_) => "(cannot be read by this version)".to_owned(),
        };
        let name = format!("{:width$}  ", story.name);
        text.push_str(&style.wrapped(&name, &about));
    }
    terminal::print(&text);
    Exit::Pass
}

/// Up to the first full stop that ends a sentence; all of it where there is none.
fn first_sentence(about: &str) -> String {
    let words: Vec<&str> = about.split_whitespace().collect();
    let end = words.iter().position(|word| word.ends_with(['.', '!', '?']));
    words[..end.map_or(words.len(), |end| end + 1)].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../library");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the library is in the repository")
            .map(|entry| entry.expect("it can be read").file_name())
            .map(|name| name.to_string_lossy().trim_end_matches(".toml").to_owned())
            .collect();
        files.sort();
        let names: Vec<_> = LIBRARY.iter().map(|story| story.name).collect();
        assert_eq!(names, files);
    }

    #[test]
    fn every_story_has_its_name_and_a_first_sentence() {
        for story in LIBRARY {
            let script = script::parse(story.source, story.name).expect("it can be read");
            assert_eq!(script.name.value, story.name);
            let sentence = first_sentence(&script.about);
            assert!(sentence.ends_with('.'), "{}: {sentence}", story.name);
        }
    }
}
