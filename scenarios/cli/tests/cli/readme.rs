//! What the README shows is what comes: every command in it is given, every scenario in it is played.

use super::{came, command, rehearsal, root, scenario};

/// What stands between these fences, one block after the other.
fn blocks(language: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is one");
    let mut blocks = readme.split("\n```").skip(1).filter_map(|part| part.split_once('\n'));
    let mut found = Vec::new();
    while let Some((fence, block)) = blocks.next() {
        if fence == language {
            found.push(block.to_owned());
        }
        // What follows the closing fence is words.
        blocks.next();
    }
    found
}

/// Words of a command line; only double quotes, as the README needs no others.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('"').enumerate() {
        match place % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// What a run cost differs from machine to machine.
fn is_a_figure(line: &str) -> bool {
    ["CPU", "of memory"].iter().any(|word| line.contains(word))
}

/// Asserts that these lines came, but for what `...` stands for, and for what comes after an empty line.
fn assert_came(shown: &[&str], out: &str) {
    let came: Vec<&str> =
        out.lines().filter(|line| !is_a_figure(line)).map(str::trim_end).collect();
    let (mut at, mut gap) = (0, false);
    for line in shown.iter().filter(|line| !is_a_figure(line)).map(|line| line.trim_end()) {
        if line == "..." {
            gap = true;
            continue;
        }
        let rest = &came[at..];
        let within = if gap { rest.len() } else { 1 };
        let found = rest.iter().take(within).position(|here| *here == line);
        let Some(found) = found else {
            panic!("the README shows\n{line}\nand there came\n{}", rest.join("\n"));
        };
        (at, gap) = (at + found + 1, false);
    }
    let rest = &came[at..];
    assert!(gap || rest.first().is_none_or(|line| line.is_empty()), "more came: {rest:#?}");
}

#[test]
fn commands_print_what_it_shows() {
    let mut given = 0;
    for block in blocks("console") {
        let block = block.replace("\\\n", " ");
        for one in format!("\n{block}").split("\n$ ").skip(1) {
            let (line, shown) = one.split_once('\n').unwrap_or((one, ""));
            let line = line.replace("cargo run --release -- ", "CARGO rehearsal ");
            let words = words(&line);
            let (by_cargo, words) = match words.split_first() {
                Some((first, rest)) if first == "CARGO" => (true, rest),
                _ => (false, &words[..]),
            };
            let Some(("rehearsal", args)) = words.split_first().map(|(it, rest)| (&**it, rest))
            else {
                continue;
            };
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let mut command = command(&args);
            if by_cargo {
                command.env("CARGO", "cargo");
            }
            let shown: Vec<&str> = shown.trim_end().lines().collect();
            assert_came(&shown, &came(&mut command).out);
            given += 1;
        }
    }
    assert!(given >= 9, "the README shows {given} commands");
}

#[test]
fn scenarios_hold() {
    let scenarios: Vec<String> =
        blocks("toml").into_iter().filter(|block| block.contains("duration")).collect();
    assert_eq!(scenarios.len(), 2);
    for text in scenarios {
        let (_folder, file) = scenario(&text);
        let came = rehearsal(&["run", "--quiet", "--seeds", "1..20", &file]);
        assert_eq!(came.code, Some(0), "{}{}", came.out, came.err);
    }
}
