//! The scenarios that come with the command, built into it: they can be listed, shown and run by name from anywhere.

use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use reports::style::Paint;
use scenarios::script;

use crate::Exit;
use crate::completions::story_names;
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

const LIST_EXAMPLES: &str = "\
Examples:
  rehearsal list
      all of them
  rehearsal list broker lose
      those with both words in their name or story
  rehearsal list --json | jq -r .name
      for programs: one JSON object per line";

/// `rehearsal list`.
#[derive(Args, Debug)]
#[command(after_help = LIST_EXAMPLES)]
pub struct ListArgs {
    /// Only scenarios with all these words in their name or story
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// One JSON object per scenario: name, story, and the whole of it
    #[arg(long)]
    pub json: bool,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  rehearsal show lose-the-leader-broker
      how a scenario is written
  rehearsal show lose-the-leader-broker > mine.toml && rehearsal run mine.toml
      to change it";

/// `rehearsal show`.
#[derive(Args, Debug)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// Names from the library
    #[arg(value_name = "NAME", required = true, add = ArgValueCompleter::new(story_names))]
    pub names: Vec<String>,
}

impl Story {
    /// Its story, up to the first full stop that ends a sentence; all of it where there is none.
    pub fn first_sentence(&self) -> String {
        let about = self.about();
        let words: Vec<&str> = about.split_whitespace().collect();
        let end = words.iter().position(|word| word.ends_with(['.', '!', '?']));
        words[..end.map_or(words.len(), |end| end + 1)].join(" ")
    }

    fn about(&self) -> String {
        let script = script::parse(self.source, self.name);
        script.map_or_else(|_| "(cannot be read by this version)".to_owned(), |script| script.about)
    }

    /// Whether name or story contain each of these words, in any case.
    fn has(&self, words: &[String]) -> bool {
        let text = format!("{} {}", self.name, self.about()).to_lowercase();
        words.iter().all(|word| text.contains(&word.to_lowercase()))
    }

    fn json(&self) -> String {
        let about = self.about();
        let about: Vec<_> = about.split_whitespace().collect();
        let line = serde_json::json!({
            "name": self.name,
            "story": self.first_sentence(),
            "about": about.join(" "),
        });
        format!("{line}\n")
    }
}

/// The scenario of this name, with or without `.toml`.
pub fn named(name: &str) -> Option<Story> {
    let name = name.strip_suffix(".toml").unwrap_or(name);
    LIBRARY.iter().find(|story| story.name == name).copied()
}

/// Names of the library that may have been meant by one that is not there: the nearest in letters, or else those that have
/// all its words. At most three.
pub fn near(name: &str) -> Vec<&'static str> {
    let name = name.strip_suffix(".toml").unwrap_or(name).to_lowercase();
    let far = |story: &Story| strsim::damerau_levenshtein(&name, story.name);
    let nearest = LIBRARY.iter().map(far).min().unwrap_or(0);
    let is_near = nearest <= (name.len() / 3).max(1);
    let words: Vec<_> = name.split(['-', '_', ' ']).filter(|word| !word.is_empty()).collect();
    let may_be = |story: &&Story| {
        if is_near {
            far(story) == nearest
        } else {
            words.iter().all(|word| story.name.contains(word))
        }
    };
    LIBRARY.iter().filter(may_be).map(|story| story.name).take(3).collect()
}

/// What to try instead of a name that the library does not have.
pub fn hint(name: &str) -> String {
    let quoted: Vec<_> = near(name).iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "`rehearsal list` shows the library".to_owned(),
        Some((last, [])) => format!("did you mean {last}?"),
        Some((last, others)) => format!("did you mean {} or {last}?", others.join(", ")),
    }
}

/// `rehearsal list`: each name with the first sentence of its story.
pub fn list(args: &ListArgs) -> Exit {
    let found: Vec<_> = LIBRARY.iter().filter(|story| story.has(&args.words)).collect();
    if found.is_empty() {
        let words = args.words.join(" ");
        let help = "`rehearsal list` shows all of them";
        terminal::complain(&format!("no scenario of the library has `{words}`"), Some(help));
        return Exit::Broken;
    }
    let style = terminal::out();
    let width = found.iter().map(|story| story.name.len()).max().unwrap_or(0);
    let line = |story: &&Story| {
        if args.json {
            return story.json();
        }
        let name = format!("{:width$}  ", story.name);
        let set = style.wrapped(&name, &story.first_sentence());
        set.replacen(story.name, &style.paint(Paint::Strong, story.name), 1)
    };
    terminal::print(&found.iter().map(line).collect::<String>());
    Exit::Pass
}

/// `rehearsal show`: the text of each file, as it is.
pub fn show(args: &ShowArgs) -> Exit {
    let mut text = String::new();
    for name in &args.names {
        let Some(story) = named(name) else {
            let what = format!("there is no `{name}` in the library");
            terminal::complain(&what, Some(&hint(name)));
            return Exit::Broken;
        };
        text.push_str(story.source);
    }
    terminal::print(&text);
    Exit::Pass
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
            let sentence = story.first_sentence();
            assert!(sentence.ends_with('.'), "{}: {sentence}", story.name);
        }
    }

    #[test]
    fn names_that_were_meant() {
        assert_eq!(near("lose-the-leader-brokr"), ["lose-the-leader-broker"]);
        assert_eq!(near("controller.toml"), ["lose-the-controller"]);
        assert_eq!(near("zzz"), Vec::<&str>::new());
        assert_eq!(hint("steady_state"), "did you mean `steady-state`?");
    }
}
