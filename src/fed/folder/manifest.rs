//! `manifest.json`: what a run was made with, and at its end the digests of its files. Written whole, sealed with its own digest.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::inclusion::Groups;
use super::super::sealed;
use super::{FolderError, MANIFEST};
use crate::caps::AdapterInfo;
use crate::data::{DataError, Dataset, Normalisation, Part};
use crate::version;

/// `format` of every manifest.
const FORMAT: &str = "zowarmup-manifest";
/// `version` of every manifest.
const VERSION: u32 = 1;
/// The version of what is computed: raised whenever the same config on the same adapter gives other bits than before. A run goes on
/// only with the version that it began with.
pub const NUMERICS: u32 = 4;

/// Bytes of samples that are hashed at once.
const BLOCK: usize = 4 << 20;

/// What a run was made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    version: u32,
    /// Version and commit of the program that began the run.
    pub program: String,
    /// `NUMERICS` of that program.
    pub numerics: u32,
    /// The content of `config.toml`.
    pub config: String,
    /// Its content before `resume --set`, while that is being written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_config: Option<String>,
    /// The samples.
    pub data: DataDigests,
    /// How bytes become values.
    pub normalisation: NormalisationRecord,
    /// The partition's SHA-256 (`sha256` in `split.json`).
    pub split_sha256: String,
    /// SHA-256 of `init.safetensors`.
    pub init_sha256: String,
    /// SHA-256 of `ways.json`, empty where the run has no such file; none in manifests from before it was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ways_sha256: Option<String>,
    /// The adapters that the run was on, in order.
    pub adapters: Vec<AdapterRecord>,
    /// The run whose warm-up this one took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkRecord>,
    /// The pivot, once there is one: the base of the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pivot: Option<PivotRecord>,
    /// SHA-256 of each file of a run that has ended; empty before.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// Digests of the samples as loaded, after the limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataDigests {
    /// Training samples: SHA-256 of the pixels, one byte each, or of the normalised values of float data, little-endian f32; then of the
    /// labels as little-endian u32.
    pub train_sha256: String,
    /// Test samples, the same.
    pub test_sha256: String,
}

impl DataDigests {
    /// Of a data set.
    ///
    /// # Errors
    /// Samples that can't be read.
    pub fn of(data: &Dataset) -> Result<Self, DataError> {
        let digest = |samples: &Part| {
            let mut hash = Sha256::new();
            for block in samples.blocks(BLOCK) {
                hash.update(block?.raw());
            }
            samples.labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
            Ok::<String, DataError>(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
        };
        Ok(Self { train_sha256: digest(&data.train)?, test_sha256: digest(&data.test)? })
    }
}

/// `(byte / divisor - mean) / std`, as numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalisationRecord {
    /// What bytes are divided by.
    pub divisor: f32,
    /// Of each channel.
    pub mean: Vec<f32>,
    /// Of each channel.
    pub std: Vec<f32>,
    /// Why these, where they were guessed from something else than the config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessed: Option<String>,
}

impl NormalisationRecord {
    /// Of a data set's.
    pub fn of(normalisation: &Normalisation, guessed: Option<String>) -> Self {
        let Normalisation { divisor, mean, std } = normalisation;
        Self { divisor: *divisor, mean: mean.clone(), std: std.clone(), guessed }
    }

    /// As messages show it.
    pub fn text(&self) -> String {
        format!("divisor {}, mean {:?}, std {:?}", self.divisor, self.mean, self.std)
    }
}

/// An adapter, and the first round that was computed on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterRecord {
    /// Absolute.
    pub from_round: u32,
    /// The driver's name for it.
    pub name: String,
    /// Backend.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Capability tier.
    pub tier: String,
    /// Invocations of a subgroup, 0 where unused.
    pub subgroup_size: u32,
}

impl AdapterRecord {
    /// Of an adapter that computes from `from_round` on.
    pub fn of(info: &AdapterInfo, from_round: u32) -> Self {
        Self {
            from_round,
            name: info.name.clone(),
            backend: info.backend.clone(),
            driver: info.driver.clone(),
            tier: info.tier.name().to_owned(),
            subgroup_size: info.subgroup_size,
        }
    }

    /// Whether both give the same bits: all but the round agrees.
    pub fn same(&self, other: &Self) -> bool {
        *self == Self { from_round: self.from_round, ..other.clone() }
    }

    /// `name (backend, driver, tier)`.
    pub fn text(&self) -> String {
        format!("{} ({}, {}, {})", self.name, self.backend, self.driver, self.tier)
    }
}

/// The pivot: weights and what they reach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PivotRecord {
    /// SHA-256 of `pivot.safetensors`.
    pub sha256: String,
    /// Test loss of these very weights; null where not finite.
    pub loss: Option<f64>,
    /// Test accuracy.
    pub accuracy: Option<f64>,
    /// Of groups of clients, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// Relative error of loss differences in the run's precision, where that isn't f32; null where the run has no zeroth-order rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dl_error: Option<f64>,
}

/// Where a run comes from that began at another one's pivot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkRecord {
    /// The name of that run's folder, without its place.
    pub folder: String,
    /// SHA-256 of that run's `config.toml` as its manifest has it.
    pub config_sha256: String,
    /// SHA-256 of that run's pivot.
    pub pivot_sha256: String,
}

/// What [`Manifest::new`] is made of.
pub struct Ingredients {
    /// The content of `config.toml`.
    pub config: String,
    /// Samples.
    pub data: DataDigests,
    /// Normalisation.
    pub normalisation: NormalisationRecord,
    /// Of the partition.
    pub split_sha256: String,
    /// Of the first weights' file.
    pub init_sha256: String,
    /// Of the file of ways; empty where there is none.
    pub ways_sha256: String,
    /// The first adapter.
    pub adapter: AdapterRecord,
}

impl Manifest {
    /// The manifest of a run that begins.
    pub fn new(of: Ingredients) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: version::text().to_owned(),
            numerics: NUMERICS,
            config: of.config,
            earlier_config: None,
            fork: None,
            data: of.data,
            normalisation: of.normalisation,
            split_sha256: of.split_sha256,
            init_sha256: of.init_sha256,
            ways_sha256: Some(of.ways_sha256),
            adapters: vec![of.adapter],
            pivot: None,
            files: BTreeMap::new(),
        }
    }

    /// The manifest in a folder, `None` where there is none.
    ///
    /// # Errors
    /// One that isn't what was written, or of another version.
    pub fn read(folder: &Path) -> Result<Option<Self>, FolderError> {
        let path = folder.join(MANIFEST);
        let Some(manifest) = sealed::read::<Self>(&path)? else { return Ok(None) };
        let wrong = |field: &str, expected: String, found: String| {
            Err(FolderError::Differs { path: path.clone(), what: field.to_owned(), expected, found })
        };
        if manifest.format != FORMAT {
            return wrong("format", FORMAT.to_owned(), manifest.format);
        }
        if manifest.version != VERSION {
            return wrong("version", VERSION.to_string(), manifest.version.to_string());
        }
        Ok(Some(manifest))
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// A file that can't be written.
    pub fn write(&self, folder: &Path) -> Result<(), FolderError> {
        sealed::write(&folder.join(MANIFEST), self)
    }

    /// Whether the run has ended, done or diverged.
    pub fn ended(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether every round was computed on one and the same adapter, `now` being the one at hand.
    pub fn one_adapter(&self, now: &AdapterRecord) -> bool {
        self.adapters.iter().all(|adapter| adapter.same(now))
    }
}
