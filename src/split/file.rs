//! `split.json`.

use super::{Split, SplitError};
use crate::files::{self, Limit};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's `format`.
pub const FORMAT: &str = "zowarmup-split";
const VERSION: u32 = 1;
/// About 30 million samples.
const LIMIT: Limit = Limit { bytes: 256 << 20, what: "a split" };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    classes: u32,
    clients: Vec<Client>,
    leftover: Vec<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    test: Option<Vec<u32>>,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    client: u32,
    high: bool,
    histogram: Vec<u32>,
    indices: Vec<u32>,
}

/// The text of a file of a partition.
pub(super) fn text(path: &Path) -> Result<String, SplitError> {
    let read = |source| SplitError::Read { path: path.to_owned(), source };
    let bytes = files::read(path, LIMIT).map_err(|e| read(e.source))?;
    String::from_utf8(bytes).map_err(|e| read(std::io::Error::new(std::io::ErrorKind::InvalidData, e)))
}

impl Split {
    /// The content of `split.json`: `format`, `version`, `classes`, `clients` (each `client`, `high`, `histogram`,
    /// `indices`), `leftover`, `test` where there is one, `sha256`. One line.
    pub fn to_json(&self) -> String {
        let clients = self.clients.iter().zip(&self.high).zip(&self.histograms).enumerate();
        let file = File {
            format: FORMAT.to_owned(),
            version: VERSION,
            classes: self.classes,
            clients: clients
                .map(|(i, ((indices, &high), histogram))| Client {
                    client: i as u32,
                    high,
                    histogram: histogram.clone(),
                    indices: indices.clone(),
                })
                .collect(),
            leftover: self.leftover.clone(),
            test: self.test.clone(),
            sha256: self.sha256(),
        };
        // Numbers, strings and lists of them: there is nothing that JSON could refuse.
        serde_json::to_string(&file).unwrap_or_default()
    }

    /// Reads a `split.json`.
    ///
    /// # Errors
    /// As [`Split::from_json`], or the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, SplitError> {
        Self::from_json(&text(path)?, path)
    }

    /// Reads the content of a `split.json`; `path` names it in errors.
    ///
    /// # Errors
    /// Malformed JSON, an index that occurs twice or names no sample, a histogram or hash that doesn't fit.
    pub fn from_json(text: &str, path: &Path) -> Result<Self, SplitError> {
        let file: File = serde_json::from_str(text).map_err(|e| SplitError::Syntax {
            path: path.to_owned(),
            line: e.line(),
            column: e.column(),
            message: e.to_string(),
        })?;
        let field = |field: &str, found: String, expected: String| SplitError::Field {
            path: path.to_owned(),
            field: field.to_owned(),
            found,
            expected,
        };
        if file.format != FORMAT {
            return Err(field("format", format!("\"{}\"", file.format), format!("\"{FORMAT}\"")));
        }
        if file.version != VERSION {
            return Err(field("version", file.version.to_string(), VERSION.to_string()));
        }
        let count = file.clients.iter().map(|c| c.indices.len()).sum::<usize>() + file.leftover.len();
        let mut seen = vec![false; count];
        for &index in file.clients.iter().flat_map(|c| &c.indices).chain(&file.leftover) {
            match seen.get_mut(index as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    return Err(field("an index", index.to_string(), format!("each of 0 to {} once", count - 1)));
                }
            }
        }
        for (i, client) in file.clients.iter().enumerate() {
            if client.client != i as u32 {
                return Err(field(&format!("clients[{i}].client"), client.client.to_string(), i.to_string()));
            }
            let (entries, total) =
                (client.histogram.len(), client.histogram.iter().map(|&n| u64::from(n)).sum::<u64>());
            if entries != file.classes as usize || total != client.indices.len() as u64 {
                let expected = format!("{} entries with a sum of {}", file.classes, client.indices.len());
                return Err(field(
                    &format!("clients[{i}].histogram"),
                    format!("{entries} entries with a sum of {total}"),
                    expected,
                ));
            }
        }
        let mut split = Self {
            classes: file.classes,
            clients: Vec::new(),
            high: Vec::new(),
            histograms: Vec::new(),
            leftover: file.leftover,
            test: file.test,
        };
        for client in file.clients {
            split.clients.push(client.indices);
            split.high.push(client.high);
            split.histograms.push(client.histogram);
        }
        let hash = split.sha256();
        if hash != file.sha256 {
            Err(field("sha256", format!("\"{}\"", file.sha256), format!("\"{hash}\"")))
        } else {
            Ok(split)
        }
    }
}
