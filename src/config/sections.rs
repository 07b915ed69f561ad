//! The sections of a config: types, defaults and ranges.

use super::error::ConfigError;
use super::names::*;
use super::ranges::{KEPT, MANY, SHARE, kept, positive, share};
use super::reader::Section;
use super::seeds::NamedSeeds;
use crate::caps::{Precision, Tune};
use serde::{Serialize, Serializer};
use std::path::PathBuf;

const SHAPE: &str = "[], [rows, columns] or [channels, rows, columns], each from 1 to 16384";

/// An absent path is written as an empty string.
pub(super) fn write_path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(path.as_deref().and_then(|p| p.to_str()).unwrap_or_default())
}

/// No size is written as an empty list.
fn write_size<S: Serializer>(size: &Option<[u32; 2]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(size.iter().flatten())
}

fn write_bytes<S: Serializer>(bytes: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    let text = match bytes {
        0 => "0".to_owned(),
        b if b % (1 << 20) == 0 => format!("{}MiB", b >> 20),
        b => format!("{b}B"),
    };
    serializer.serialize_str(&text)
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataConfig {
    /// Which set.
    pub name: DataName,
    /// File or folder, absolute; `None` for the embedded digits.
    #[serde(serialize_with = "write_path")]
    pub path: Option<PathBuf>,
    /// First n training samples of each class; 0: all.
    pub train_limit: u32,
    /// First n test samples of each class; 0: all.
    pub test_limit: u32,
    /// Share of each class's training samples that no client gets, and that is evaluated as the test samples are; 0: none.
    pub validation: f64,
    /// Which of two labels; `Fine` but for CIFAR-100.
    pub labels: LabelChoice,
    /// Name of the label column of a CSV or Parquet file; empty: one of a usual name, else the last.
    pub label: String,
    /// Name of the column, or array, that names the client of each sample; empty: none, of arrays `client`.
    pub client: String,
    /// `[rows, columns]` or `[channels, rows, columns]` that rows of numbers are; empty: features.
    pub shape: Vec<u32>,
    /// Rows and columns that images are resized to; `None`: they have one size.
    #[serde(serialize_with = "write_size")]
    pub size: Option<[u32; 2]>,
    /// Which mean and standard deviation.
    pub normalisation: NormalisationName,
    /// Mean per channel of values scaled to 0..1 (floats as they are), in place of the named one; empty: not given.
    pub mean: Vec<f64>,
    /// Standard deviation per channel, in place of the named one; empty: not given.
    pub std: Vec<f64>,
    /// What the warm-up's batches vary of their samples.
    pub augment: Augment,
}

impl DataConfig {
    pub(super) fn read(s: &Section<'_>, split: SplitKind) -> Result<Self, ConfigError> {
        let name = s.choice("name", DataName::Cifar10, DataName::NAMES)?;
        let data = Self {
            name,
            path: match name {
                DataName::Digits => None,
                DataName::Cifar100 => s.path("path", "data/cifar100")?,
                DataName::ImageNet32 => s.path("path", "data/imagenet32")?,
                // What a set of one's own is called nobody knows.
                name if name.is_own() => s.path("path", "")?,
                _ => s.path("path", "data/cifar10")?,
            },
            train_limit: s.count("train_limit", 0, 0..=MANY)?,
            test_limit: s.count("test_limit", 0, 0..=MANY)?,
            validation: s.number("validation", 0.0, KEPT, kept)?,
            labels: s.choice("labels", LabelChoice::Fine, LabelChoice::NAMES)?,
            label: s.text("label", "")?,
            client: match (s.text("client", "")?, name, split) {
                (name, DataName::Npz | DataName::Safetensors, SplitKind::Natural) if name.is_empty() => {
                    "client".to_owned()
                }
                (name, ..) => name,
            },
            shape: s.counts("shape", SHAPE, 2..=3, 1..=16_384)?,
            size: match s.counts("size", "[] or [rows, columns], each from 1 to 4096", 2..=2, 1..=4096)?[..] {
                [rows, columns] => Some([rows, columns]),
                _ => None,
            },
            normalisation: s.choice("normalisation", NormalisationName::Auto, NormalisationName::NAMES)?,
            mean: s.numbers("mean", "a list of finite numbers, one a channel", |_| true)?,
            std: s.numbers("std", "a list of finite numbers greater than 0, one a channel", positive)?,
            augment: s.choice("augment", Augment::None, Augment::NAMES)?,
        };
        if let Some((files, section)) = name.files().filter(|_| data.path.is_none()) {
            return Err(s.error("path", "\"\"", format!("{files} (docs/data.md, \"{section}\", says more)")));
        }
        if data.labels != LabelChoice::Fine && name != DataName::Cifar100 {
            let expected = format!("\"fine\": only cifar100 has two labels a sample, {name} has one");
            return Err(s.error("labels", format!("\"{}\"", data.labels), expected));
        }
        if !data.label.is_empty() && !name.is_table() {
            return Err(s.error(
                "label",
                format!("\"{}\"", data.label),
                "\"\": only csv and parquet have a label column",
            ));
        }
        if !data.client.is_empty() && (!name.names_clients() || name == DataName::Leaf) {
            let expected =
                "\"\": only csv and parquet have a column, npz and safetensors an array that may name clients";
            return Err(s.error("client", format!("\"{}\"", data.client), expected));
        }
        if !data.shape.is_empty() && !name.names_clients() {
            let expected = format!(
                "[]: only rows of numbers are given a shape (npz, safetensors, csv, parquet, leaf), not {name}"
            );
            return Err(s.error("shape", "given", expected));
        }
        if data.size.is_some() && name != DataName::Images {
            return Err(s.error("size", "given", format!("[]: only images are resized, not {name}")));
        }
        if data.mean.len() != data.std.len() {
            let expected = format!("as many entries as data.mean has ({})", data.mean.len());
            return Err(s.error("std", format!("a list of {}", data.std.len()), expected));
        }
        Ok(data)
    }
}

/// `[heterofl]`: what `warmup.algorithm = "heterofl"` needs beside `[warmup]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeteroflConfig {
    /// Share of each hidden width that a low-resource client has.
    pub low_width: f64,
}

impl HeteroflConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self { low_width: s.number("low_width", 0.5, SHARE, share)? })
    }
}

/// `[eval]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvalConfig {
    /// Rounds between evaluations; the pivot and the last round are always evaluated.
    pub every: u32,
    /// Accuracy of client groups and classes with each evaluation.
    pub groups: bool,
    /// Factor a round of a running mean of the weights that is evaluated beside them; 0: none.
    pub average: f64,
}

impl EvalConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            every: s.count("every", 10, 1..=MANY)?,
            groups: s.flag("groups", false)?,
            average: s.number("average", 0.0, KEPT, kept)?,
        })
    }
}

/// `[device]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceConfig {
    /// As `--device`; empty: not chosen.
    pub select: String,
    /// Bytes the engine may allocate on the device; 0: what the adapter allows.
    #[serde(serialize_with = "write_bytes")]
    pub memory_budget: u64,
    /// How exact products of weights and activations are.
    pub precision: Precision,
    /// Whether ways of computing them are measured.
    pub tune: Tune,
}

impl DeviceConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            select: s.text("select", "")?,
            memory_budget: s.bytes("memory_budget", 0)?,
            precision: s.choice("precision", Precision::F32, &Precision::NAMES)?,
            tune: s.choice("tune", Tune::Auto, &Tune::NAMES)?,
        })
    }
}

impl NamedSeeds {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            split: s.seed("split")?,
            weights: s.seed("weights")?,
            sampling: s.seed("sampling")?,
            shuffle: s.seed("shuffle")?,
            probes: s.seed("probes")?,
        })
    }
}
