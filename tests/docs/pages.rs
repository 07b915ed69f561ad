//! The pages, and what stands in them: command lines, blocks, tables.

use std::fs;
use std::path::{Path, PathBuf};

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page of the documentation.
pub struct Page {
    pub name: String,
    pub text: String,
}

impl Page {
    pub fn of(path: &str) -> Self {
        Self { name: path.to_owned(), text: fs::read_to_string(root().join(path)).unwrap() }
    }

    /// The first block of code in a language.
    pub fn block(&self, language: &str) -> String {
        let mut lines = self.text.lines().skip_while(|line| *line != format!("```{language}")).skip(1);
        lines.by_ref().take_while(|line| !line.starts_with("```")).map(|line| format!("{line}\n")).collect()
    }

    /// The lines below the heading that contains `title`, to the next heading of the same rank or a higher one.
    pub fn section(&self, title: &str) -> Vec<&str> {
        let mut lines = self.text.lines().skip_while(|line| !(line.starts_with('#') && line.contains(title)));
        let heading = lines.next().unwrap_or_else(|| panic!("{} has no heading with {title}", self.name));
        let rank = |line: &str| line.bytes().take_while(|&b| b == b'#').count();
        lines.take_while(|line| !(line.starts_with('#') && rank(line) <= rank(heading))).collect()
    }
}

/// README, contributing, the golden data's page, and all of `docs/`.
pub fn pages() -> Vec<Page> {
    let mut names: Vec<String> = ["README.md", "CONTRIBUTING.md", "tests/golden/README.md"].map(String::from).to_vec();
    let file = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| file(entry.unwrap().path()));
    names.extend(docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    names.iter().map(|name| Page::of(name)).collect()
}

/// Every command line of a page: in blocks of code, and between backticks.
pub fn command_lines(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in page.text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            let code = line.split(" #").next().unwrap_or_default().trim();
            found.push(code.strip_prefix("target/release/").unwrap_or(code).to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found.retain(|code| code.starts_with("zowarmup "));
    found
}

/// The first cells of a table's rows, each split at commas and freed of backticks.
pub fn first_cells(lines: &[&str]) -> Vec<String> {
    let rows = lines.iter().filter(|line| line.starts_with("| `"));
    let cell = |line: &&str| line.split('|').nth(1).unwrap_or_default().trim().to_owned();
    rows.flat_map(|line| {
        let names: Vec<String> = cell(line).split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
        names
    })
    .collect()
}
