//! `[split]`: which client holds what.

use std::path::PathBuf;

use serde::Serialize;

use super::error::ConfigError;
use super::names::SplitKind;
use super::ranges::{KEPT, MILLION, POSITIVE, RATE, kept, positive, rate, share_of};
use super::reader::Section;
use super::sections::write_path;

/// `[split]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitConfig {
    /// How samples are dealt.
    pub kind: SplitKind,
    /// Of `kind` `file` a `split.json`, or a text file with a client a line; absolute.
    #[serde(serialize_with = "write_path")]
    pub file: Option<PathBuf>,
    /// Number of clients; of `kind` `natural` 0: as many as the data name.
    pub clients: u32,
    /// Concentration of the class proportions (`dirichlet`).
    pub alpha: f64,
    /// Share of the clients that have high resources.
    pub high_share: f64,
    /// Concentration of the client sizes; 0: equal sizes.
    pub size_alpha: f64,
    /// Probability that a client that was sampled for a round is not there.
    pub dropout: f64,
}

impl SplitConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        let kind = s.choice("kind", SplitKind::Dirichlet, SplitKind::NAMES)?;
        let split = Self {
            kind,
            file: s.path("file", "")?,
            clients: match kind {
                SplitKind::Natural => s.count("clients", 0, 0..=MILLION)?,
                _ => s.count("clients", 50, 1..=MILLION)?,
            },
            alpha: s.number("alpha", 0.1, POSITIVE, positive)?,
            high_share: s.number("high_share", 0.1, "a number from 0 to 1", |x| (0.0..=1.0).contains(&x))?,
            size_alpha: s.number("size_alpha", 0.0, RATE, rate)?,
            dropout: s.number("dropout", 0.0, KEPT, kept)?,
        };
        match (&split.file, split.kind) {
            (None, SplitKind::File) => {
                return Err(s.error("file", "\"\"", "the split.json of a run, or a text file that names each sample's client, where split.kind is \"file\""));
            }
            (Some(path), kind) if kind != SplitKind::File => {
                let expected = "\"\" where split.kind is not \"file\"";
                return Err(s.error("file", format!("\"{}\"", path.display()), expected));
            }
            _ => {}
        }
        if split.kind == SplitKind::Shards && split.size_alpha > 0.0 {
            return Err(s.error(
                "size_alpha",
                split.size_alpha,
                "0 with split.kind = \"shards\", whose clients have equal sizes",
            ));
        }
        Ok(split)
    }

    /// Number of high-resource clients: `high_share` of the clients, rounded half up, at least 1; 0 only for a share of 0.
    pub fn high_clients(&self) -> u32 {
        if self.high_share == 0.0 { 0 } else { share_of(self.high_share, self.clients) }
    }
}
