//! Reading a ledger: complete rounds before a torn last line are kept, any other bad line is an error.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::types::{Header, Round};
use super::{LedgerError, validate};
use crate::files::{self, Limit};

/// About ten million probes.
const LIMIT: Limit = Limit { bytes: 1 << 30, what: "a ledger" };

/// A ledger read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// The first line.
    pub header: Header,
    /// The complete rounds, in order.
    pub rounds: Vec<Round>,
    /// Whether a last line without its line end was left out.
    pub truncated: bool,
    /// Byte offset of the end of the header line, then of each round's line.
    pub line_ends: Vec<u64>,
}

impl Ledger {
    /// Reads and checks a ledger.
    ///
    /// # Errors
    /// A file that can't be read; a header without its line end; a line that breaks the format, named by its number and field.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        Self::parse(path, &files::read(path, LIMIT)?)
    }

    /// As [`Ledger::read`], of bytes at hand; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Ledger::read`].
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, LedgerError> {
        let error = |line: usize, message: String| LedgerError::Line { path: path.to_owned(), line, message };
        let truncated = bytes.last().is_some_and(|&b| b != b'\n');
        let mut lines = bytes.split_inclusive(|&b| b == b'\n').filter(|line| line.ends_with(b"\n"));
        let first =
            lines.next().ok_or_else(|| error(1, "expected a header line with its line end, found none".to_owned()))?;
        let header: Header = parse_line(first).map_err(|m| error(1, m))?;
        validate::header(&header).map_err(|m| error(1, m))?;
        let mut line_ends = vec![first.len() as u64];
        let mut rounds: Vec<Round> = Vec::new();
        let mut end = first.len();
        for (i, line) in lines.enumerate() {
            let round: Round = parse_line(line).map_err(|m| error(i + 2, m))?;
            validate::round(&header, rounds.last().map(|r| r.round), &round).map_err(|m| error(i + 2, m))?;
            end += line.len();
            line_ends.push(end as u64);
            rounds.push(round);
        }
        Ok(Self { header, rounds, truncated, line_ends })
    }
}

/// Parses a line; the message names the field where there is one.
fn parse_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err("expected a JSON object, found an empty line".to_owned());
    }
    // Typed, not through `Value`: an f32 must be rounded once, from its decimals.
    serde_json::from_slice(line).map_err(|e| {
        let text = e.to_string();
        let cause = text.split(" at line ").next().unwrap_or_default();
        let column = e.column().min(line.len());
        match key_before(&line[..column]) {
            // Messages about a missing, unknown or doubled field name it themselves.
            Some(key) if e.is_data() && !cause.contains(" field `") => {
                format!("{key}: {cause} (byte {column})")
            }
            _ => format!("{cause} (byte {column})"),
        }
    })
}

/// The last key before a position: the field whose value could not be read.
fn key_before(before: &[u8]) -> Option<String> {
    let end = before.windows(2).rposition(|w| w == b"\":")?;
    let start = before[..end].iter().rposition(|&b| b == b'"')? + 1;
    Some(String::from_utf8_lossy(&before[start..end]).into_owned())
}
