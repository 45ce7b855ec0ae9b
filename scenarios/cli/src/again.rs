//! The command that plays a run again: made so that it can be copied into a shell and works where this one was started.

use std::path::PathBuf;

/// Plays `file` with `seed` on `clusters` again.
pub fn command(file: &str, seed: u64, clusters: &[PathBuf]) -> String {
    let mut words = vec![caller(), "run".to_owned(), quoted(file), format!("--seed {seed}")];
    if !clusters.is_empty() {
        words.push("--cluster".to_owned());
        words.extend(clusters.iter().map(|path| quoted(&path.to_string_lossy())));
    }
    words.join(" ")
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
