//! What commands print on standard output, and the shapes of it that several of them share.

use std::io::{IsTerminal, Write};

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::say::Stderr;
use crate::caps::AdapterInfo;

/// Prints a result: one JSON object, or `text` for people.
pub fn print<T: Serialize>(json: bool, result: &T, text: impl FnOnce(&T) -> String) -> Result<(), Error> {
    let mut out = if json { serde_json::to_string(result).map_err(|e| Error::Output(e.into()))? } else { text(result) };
    if !out.ends_with('\n') {
        out.push('\n');
    }
    raw(&out)
}

/// Whether results go to a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Prints text as it is.
pub fn raw(text: &str) -> Result<(), Error> {
    raw_bytes(text.as_bytes())
}

/// Prints bytes as they are. A closed pipe is no error: its reader has seen enough, and the command's exit status stays.
pub fn raw_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::Output(e)),
        _ => Ok(()),
    }
}

/// Results that are shown as they come: on standard output for people; with `--json`, whose object comes at the end, only counted, on
/// standard error where that is a terminal.
pub struct Steps {
    json: bool,
}

impl Steps {
    /// For a command with or without `--json`.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// A line for people.
    pub fn line(&self, text: &str) -> Result<(), Error> {
        if self.json { Ok(()) } else { raw(&format!("{text}\n")) }
    }

    /// Result `done` of `of`.
    pub fn done(&mut self, done: usize, of: usize, text: &str) -> Result<(), Error> {
        let width = of.to_string().len();
        if self.json && std::io::stderr().is_terminal() {
            let end = if done == of { "\n" } else { "" };
            let _ = write!(Stderr, "\r[{done:>width$}/{of}]{end}");
        }
        self.line(&format!("[{done:>width$}/{of}] {text}"))
    }
}

/// An adapter as `selftest` and `bench` name it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adapter {
    /// Name.
    pub name: String,
    /// Backend.
    pub backend: String,
    /// Driver.
    pub driver: String,
    /// Capability tier.
    pub tier: String,
}

impl Adapter {
    /// Of a device's info.
    pub fn of(info: &AdapterInfo) -> Self {
        Self {
            name: info.name.clone(),
            backend: info.backend.clone(),
            driver: info.driver.clone(),
            tier: info.tier.name().to_owned(),
        }
    }

    /// `name (backend, driver, tier)`.
    pub fn text(&self) -> String {
        let details: Vec<&str> = [&self.backend, &self.driver, &self.tier]
            .into_iter()
            .map(String::as_str)
            .filter(|t| !t.is_empty())
            .collect();
        format!("{} ({})", self.name, details.join(", "))
    }
}

/// A table with columns as wide as their widest entry, two spaces between; the first is left-aligned, the others right-aligned.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(c, (text, &width))| if c == 0 { format!("{text:<width$}") } else { format!("{text:>width$}") });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Cells of a table's row.
pub fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// `87.7 %`, or `-` where there is none.
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |s| format!("{:.1} %", s * 100.0))
}

/// `4,810`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.2 MiB`.
pub fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).to_string()
}

/// `ok` or `FAILED`.
pub fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

/// A path as a shell takes it.
pub fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,:@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!((grouped(0).as_str(), grouped(999).as_str()), ("0", "999"));
        assert_eq!(grouped(11_173_962), "11,173,962");
        assert_eq!(percent(Some(0.8774)), "87.7 %");
        assert_eq!(percent(None), "-");
    }

    #[test]
    fn tables_align() {
        assert_eq!(table(&[row(["name", "x"]), row(["a", "10.5"])]), "name     x\na     10.5\n");
    }

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted("runs/digits-0"), "runs/digits-0");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
