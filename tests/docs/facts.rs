//! What the sources do and a page must say: environment variables, and the streams that a run draws from.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::pages::{Page, root};

/// The lines of each source of the library, without its unit tests.
fn lines() -> Vec<String> {
    fn walk(dir: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let text = fs::read_to_string(path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                out.extend(code.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join("src"), &mut out);
    out
}

/// The texts in quotes of a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('"').skip(1).step_by(2)
}

#[test]
fn every_variable_of_the_environment_is_documented() {
    let page = Page::of("docs/commands.md").text;
    let variable = |text: &&str| text.starts_with("ZOWARMUP_") && !text.starts_with("ZOWARMUP_TEST");
    let lines = lines();
    let read = lines.iter().filter(|line| !line.contains("env!"));
    let found: BTreeSet<&str> = read.flat_map(|line| quoted(line).filter(variable)).collect();
    let missing: Vec<&&str> = found.iter().filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(found.len() > 5 && missing.is_empty(), "docs/commands.md has no {missing:?} of {found:?}");
}

#[test]
fn every_stream_that_is_drawn_from_is_documented() {
    let page = Page::of("docs/random.md").text;
    let draws = |line: &&String| ["pcg(", "derive(", "draw("].iter().any(|call| line.contains(call));
    let domain = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || "/{}".contains(c));
    // `zo/{round}/{client}` is `zo/ROUND/CLIENT` on the page.
    let written = |text: &str| {
        let parts = text.split('/').map(|part| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
            Some(name) => name.to_uppercase(),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let lines = lines();
    let found: BTreeSet<String> =
        lines.iter().filter(draws).flat_map(|line| quoted(line).filter(domain)).map(written).collect();
    let missing: Vec<&String> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(found.len() > 10 && missing.is_empty(), "docs/random.md has no {missing:?} of {found:?}");
}
