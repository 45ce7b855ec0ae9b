//! From the names on the command line to scenarios that can be played: each read, with its cluster, and checked against it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use scenarios::cluster::Cluster;
use scenarios::diagnostic::Diagnostic;
use scenarios::import;
use scenarios::script::ensemble::Source;
use scenarios::script::{self, Script};

use crate::library;
use crate::terminal;

/// A scenario and the cluster it will be played on.
pub struct Scene {
    /// The scenario, as it was named on the command line.
    pub given: String,
    /// What its author wrote.
    pub script: Script,
    /// The cluster, with what the scenario changes.
    pub cluster: Cluster,
    /// The files of the scenario's own that the cluster was imported from.
    pub from: Vec<PathBuf>,
}

/// Why something cannot be played.
pub enum Problem {
    /// With places in files.
    Files(Vec<Diagnostic>),
    /// In words.
    Words {
        /// What is the matter.
        what: String,
        /// What to try.
        help: Option<String>,
    },
}

impl Problem {
    /// Says it on stderr.
    pub fn tell(&self) {
        match self {
            Self::Words { what, help } => terminal::complain(what, help.as_deref()),
            Self::Files(diagnostics) => {
                for diagnostic in diagnostics {
                    if diagnostic.source.is_empty() {
                        terminal::complain(&diagnostic.message, diagnostic.help.as_deref());
                    } else {
                        let one = std::slice::from_ref(diagnostic);
                        terminal::say(&script::render(one, terminal::err().colour));
                    }
                }
            }
        }
    }
}

/// Imports the files given with `--cluster`; `None` if there are none.
pub fn cluster(files: &[PathBuf]) -> Result<Option<Cluster>, Problem> {
    if files.is_empty() {
        return Ok(None);
    }
    let is_scenario = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "toml");
    if let Some(file) = files.iter().find(is_scenario) {
        let what = format!("`{}` is a scenario, not a file of a cluster", file.display());
        let help = "scenarios stand before --cluster, which takes all files behind it";
        return Err(Problem::Words { what, help: Some(help.to_owned()) });
    }
    import::cluster(files).map(Some).map_err(Problem::Files)
}

/// Reads a scenario file, or a scenario of the library, to be played on `imported` or on its own cluster.
pub fn scene(given: &str, imported: Option<&Cluster>) -> Result<Scene, Problem> {
    let source = read(given)?;
    let script = script::parse(&source, given).map_err(Problem::Files)?;
    let (imported, from) = match (imported, &script.ensemble.source) {
        (Some(cluster), _) => (Some(cluster.clone()), Vec::new()),
        (None, Source::Inline { .. }) => (None, Vec::new()),
        (None, Source::Files(files)) => {
            let folder = Path::new(given).parent().unwrap_or(Path::new(""));
            let files: Vec<_> = files.iter().map(|file| folder.join(&file.value)).collect();
            (cluster(&files)?, files)
        }
    };
    let cluster = script.cluster(imported).ok_or_else(|| Problem::Words {
        what: format!("`{given}` names no files to take its cluster from"),
        help: Some("write `from = [\"docker-compose.yml\"]`, or use --cluster".to_owned()),
    })?;
    let problems = script.check(&cluster);
    if problems.is_empty() {
        Ok(Scene { given: given.to_owned(), script, cluster, from })
    } else {
        Err(Problem::Files(problems))
    }
}

fn read(given: &str) -> Result<String, Problem> {
    let is_bare = !given.contains(['/', '\\']);
    let path = Path::new(given);
    let error = match std::fs::read_to_string(path) {
        Ok(_) if is_of_a_cluster(path) => {
            let what = format!("`{given}` is a cluster, not a scenario");
            let help = format!(
                "what it is: rehearsal cluster {given}; to play a scenario on it: \
                 rehearsal run lose-the-leader --cluster {given}"
            );
            return Err(Problem::Words { what, help: Some(help) });
        }
        Ok(source) => return Ok(source),
        Err(error) => error,
    };
    if let Some(story) = library::named(given).filter(|_| is_bare) {
        return Ok(story.source.to_owned());
    }
    let (what, help) = if path.is_dir() {
        let what = format!("`{given}` is a folder, not a scenario");
        (what, format!("name its files: rehearsal run {}/*.toml", given.trim_end_matches('/')))
    } else if error.kind() == ErrorKind::NotFound && is_bare {
        let what = format!("there is no file `{given}`, and no such scenario in the library");
        (what, library::hint(given))
    } else {
        let help = "`rehearsal list` shows the scenarios that come with this command";
        (format!("cannot read `{given}`: {error}"), help.to_owned())
    };
    Err(Problem::Words { what, help: Some(help) })
}

/// Whether the name says that a file is of a cluster: no scenario ends so.
fn is_of_a_cluster(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| matches!(ending, "yml" | "yaml" | "cfg" | "properties"))
}
