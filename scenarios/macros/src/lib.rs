//! `scenarios::tests!`: one `#[test]` for each scenario file of a folder. The files are listed when the test is compiled,
//! and a test of its own says when there are others. Not here: anything about scenarios.

use std::path::{Path, PathBuf};

use proc_macro::{TokenStream, TokenTree};

/// Makes a test of every scenario file (`*.toml`) of a folder, which is looked for in the folder of the package.
///
/// ```ignore
/// scenarios::tests!("tests/scenarios");
/// ```
///
/// What follows the folder is asked of each [`Scenario`](../scenarios/struct.Scenario.html) before it must hold:
///
/// ```ignore
/// scenarios::tests!("tests/scenarios", on("docker-compose.yml"), seeds(1..=20));
/// ```
///
/// A test is named after its file (`lose-the-leader.toml` is `lose_the_leader`) and compiled again when the file changes.
#[proc_macro]
pub fn tests(input: TokenStream) -> TokenStream {
    let made = Call::read(input).and_then(|call| call.expand());
    let text = made.unwrap_or_else(|wrong| format!("compile_error!({wrong:?});"));
    text.parse().expect("what is generated here is Rust")
}

/// What is written in a call.
struct Call {
    folder: String,
    /// `seeds(1..=20)`: methods of `Scenario`, in order.
    asked: Vec<String>,
}

impl Call {
    fn read(input: TokenStream) -> Result<Self, String> {
        let usage =
            "write the folder of the scenario files: scenarios::tests!(\"tests/scenarios\")";
        let mut tokens = input.into_iter();
        let folder = match tokens.next() {
            Some(TokenTree::Literal(literal)) => literal.to_string(),
            _ => return Err(usage.to_owned()),
        };
        let folder = folder.strip_prefix('"').and_then(|folder| folder.strip_suffix('"'));
        let folder = folder.filter(|folder| !folder.contains('\\')).ok_or(usage)?.to_owned();
        let mut asked = vec![TokenStream::new()];
        for token in tokens {
            match &token {
                TokenTree::Punct(sign) if sign.as_char() == ',' => asked.push(TokenStream::new()),
                _ => asked.last_mut().expect("there is one").extend([token]),
            }
        }
        if !asked[0].is_empty() {
            return Err("write a comma behind the folder".to_owned());
        }
        let asked = asked.iter().filter(|one| !one.is_empty()).map(ToString::to_string);
        Ok(Self { folder, asked: asked.collect() })
    }

    fn expand(&self) -> Result<String, String> {
        let package = std::env::var("CARGO_MANIFEST_DIR")
            .map_err(|_| "cargo did not say where the package is".to_owned())?;
        let files = files(&Path::new(&package).join(&self.folder))?;
        let asked: String = self.asked.iter().map(|one| format!(".{one}")).collect();
        let mut text = String::new();
        let mut names: Vec<String> = Vec::new();
        for file in &files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let test = name_of_test(name);
            if names.contains(&test) {
                return Err(format!("two files of `{}` make a test `{test}`", self.folder));
            }
            let (relative, absolute) = (format!("{}/{name}", self.folder), file.display());
            text.push_str(&format!(
                "#[test] fn {test}() {{
                    const _: &str = include_str!({absolute:?});
                    match ::scenarios::Scenario::open({relative:?}) {{
                        Ok(scenario) => {{ scenario{asked}.assert_holds(); }}
                        Err(wrong) => panic!(\"{{wrong}}\"),
                    }}
                }}\n",
                absolute = absolute.to_string(),
            ));
            names.push(test);
        }
        let (folder, count) = (&self.folder, files.len());
        text.push_str(&format!(
            "#[test] fn every_scenario_file_has_its_test() {{
                let found = ::scenarios::testing::files({folder:?});
                assert_eq!(found, {count}, \"files came to or left `{{}}` since this test was \\
                    compiled: save the file that calls scenarios::tests! again\", {folder:?});
            }}\n"
        ));
        Ok(text)
    }
}

/// The scenario files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = folder.display();
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("there is no scenario file (*.toml) in `{shown}`"));
    }
    Ok(files)
}

/// `lose-the-leader.toml` as `lose_the_leader`.
fn name_of_test(file: &str) -> String {
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = stem.chars().map(letter).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        format!("r#{name}")
    } else {
        format!("scenario_{name}")
    }
}
