//! What may stand in the sources, read as text.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source of the library and the binary.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// The part of a source that is no test: nothing of files of tests, else what stands before the first module of tests, without comments.
fn program(path: &Path) -> String {
    if path.components().any(|part| ["tests", "tests.rs", "testing.rs"].contains(&part.as_os_str().to_str().unwrap())) {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let of_tests = |pair: &[&str]| pair[0].starts_with("#[cfg(") && pair[0].contains("test") && pair[1].ends_with('{');
    let end = lines.windows(2).position(of_tests).unwrap_or(usize::MAX);
    let code = text.lines().take(end).filter(|line| !line.trim_start().starts_with("//"));
    code.map(|line| format!("{line}\n")).collect()
}

/// The macros that print panic where nothing can be written any more. `cli::say` is for standard error, `cli::output` for results.
#[test]
fn nothing_prints_with_a_macro_that_panics() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 100, "{}", files.len());
    let mut writers = Vec::new();
    for path in &files {
        let code = program(path);
        for name in ["println!", "eprintln!", "print!", "eprint!", "dbg!"] {
            let found =
                code.match_indices(name).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric()));
            assert!(!found, "{} has {name}: use cli::say or cli::output", path.display());
        }
        if code.contains("stderr()") || code.contains("stdout()") {
            writers.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
        }
    }
    writers.sort();
    // `mod` asks whether standard error is a terminal; `say` hands it to progress bars, too, whose errors are ignored.
    assert_eq!(writers, ["cli/mod.rs", "cli/output.rs", "cli/say.rs"]);
}
