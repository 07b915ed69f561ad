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

/// Sources of the library alone: what the command line is made of aside.
fn of_library(root: &Path) -> Vec<PathBuf> {
    let inside = |path: &PathBuf| !path.starts_with(root.join("cli")) && !path.ends_with("src/main.rs");
    sources(root).into_iter().filter(inside).collect()
}

/// The library prints nothing, ends no process, changes no environment and minds no signal. What it keeps for the whole process are what
/// the binary says once (its commit, and whether the user's cache may be used), texts made once of constants, and numbers that tell files
/// apart.
#[test]
fn the_library_leaves_its_process_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut kept = Vec::new();
    for path in of_library(&root) {
        let code = program(&path);
        for effect in [
            "process::exit",
            "process::abort",
            "set_var",
            "remove_var",
            "set_current_dir",
            "set_hook",
            "signal_hook",
            "libc::",
            "ctrlc",
            "tracing_subscriber",
            "static mut",
            "thread_local!",
            "stderr()",
            "stdout()",
        ] {
            assert!(!code.contains(effect), "{} has {effect}", path.display());
        }
        let is_static = |line: &str| {
            let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(super) ");
            line.starts_with("static ") && ["Lock<", "Mutex<", "Atomic", "Cell<"].iter().any(|cell| line.contains(cell))
        };
        if code.lines().any(is_static) {
            kept.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
        }
    }
    kept.sort();
    assert_eq!(kept, ["fed/sweep/paper.rs", "files/cache.rs", "files/write.rs", "version.rs"]);
}

/// What the library always needs is what its sources name; the command line's crates are optional, those of tests are for tests alone.
#[test]
fn dependencies_are_what_the_library_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml")).unwrap()).unwrap();
    let code: String = of_library(&root.join("src")).iter().map(|path| program(path)).collect();
    let always = manifest["dependencies"]
        .as_table()
        .unwrap()
        .iter()
        .filter(|(_, said)| !said.get("optional").and_then(toml::Value::as_bool).unwrap_or(false));
    let always: Vec<&String> = always.map(|(name, _)| name).collect();
    assert!(always.len() > 10, "{always:?}");
    for name in always {
        let name = name.replace('-', "_");
        assert!(code.contains(&format!("{name}::")), "no source of the library names {name}");
    }
}
