//! The command that plays a run again, or what is left of many: made so that it can be copied into a shell and works where
//! this one was started.

use std::path::PathBuf;

use crate::args::RunArgs;

/// Plays `file` with `seed` on `clusters` again.
pub fn command(file: &str, seed: u64, clusters: &[PathBuf]) -> String {
    let mut words = vec![caller(), "run".to_owned(), quoted(file), format!("--seed {seed}")];
    words.extend(on(clusters));
    words.join(" ")
}

/// The commands that play what is left, from this seed of the scenario at `place` on.
pub fn rest(args: &RunArgs, place: usize, seed: u64) -> Vec<String> {
    let seeds = args.seeds();
    let of = |files: &[String], from: u64| {
        let mut words = vec![caller(), "run".to_owned()];
        words.extend(files.iter().map(|file| quoted(file)));
        words.push(match &args.seeds {
            Some(_) => format!("--seeds {from}..{}", seeds.end()),
            None => format!("--seed {from}"),
        });
        words.extend(args.jobs.map(|jobs| format!("--jobs {jobs}")));
        let flags = [("--twice", args.twice), ("--quiet", args.quiet), ("--json", args.json)];
        words.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| (*flag).to_owned()));
        if let Some(path) = &args.trace {
            words.push(format!("--trace {}", quoted(&path.to_string_lossy())));
        }
        words.extend(on(&args.cluster));
        words.join(" ")
    };
    let rest = &args.files[place..];
    if seed == *seeds.start() {
        return vec![of(rest, seed)];
    }
    let mut commands = vec![of(&rest[..1], seed)];
    if rest.len() > 1 {
        commands.push(of(&rest[1..], *seeds.start()));
    }
    commands
}

/// The words that name the cluster's files, if there are any.
fn on(clusters: &[PathBuf]) -> Vec<String> {
    let flag = (!clusters.is_empty()).then(|| "--cluster".to_owned());
    let files = clusters.iter().map(|path| quoted(&path.to_string_lossy()));
    flag.into_iter().chain(files).collect()
}

/// How this command was called: by cargo, by a path, or by its name.
fn caller() -> String {
    if std::env::var_os("CARGO").is_some() {
        return "cargo run --release --".to_owned();
    }
    let path = std::env::args().next().filter(|path| path.contains('/'));
    path.map_or_else(|| "rehearsal".to_owned(), |path| quoted(&path))
}

/// One word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:,@%+".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("library/a-b_1.toml"), "library/a-b_1.toml");
        assert_eq!(quoted("my file.toml"), "'my file.toml'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
