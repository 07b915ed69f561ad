//! From a weights file, as PyTorch's users have them, to a model's weight vector.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::tensors::{HEADER, LIMIT, TensorFile, check_variance};
use super::{WeightsError, foreign};
use crate::files::{HEAD, Limit, Source};
use crate::model::ParamTensor;

/// Parts of a tensor's name that wrappers add: `DataParallel` and `DistributedDataParallel`, `torch.compile`.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];

/// Weights from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The weight vector: the flat parameters, then the running statistics.
    pub values: Vec<f32>,
    /// What was done to the file's tensors; empty for a file that has the model's names and f32 throughout.
    pub notes: Vec<Note>,
}

/// Something that was done to a file's tensors, for the user to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub path: PathBuf,
    /// What was done.
    pub change: Change,
    /// To how many tensors.
    pub tensors: usize,
}

/// What was done to tensors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Values of this type (as safetensors call it) were rounded or widened to f32.
    Converted(String),
    /// This part of their names was taken off.
    Renamed(&'static str),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, n) = (self.path.display(), self.tensors);
        let tensors = if n == 1 { "tensor" } else { "tensors" };
        match &self.change {
            Change::Converted(from) => write!(f, "{path}: {n} {tensors} converted from {from} to F32"),
            Change::Renamed(part) => write!(f, "{path}: `{part}.` taken off the names of {n} {tensors}"),
        }
    }
}

/// Reads a model's tensors into a weight vector. `num_batches_tracked` of PyTorch's batch norms is passed over; f16, bf16 and f64
/// become f32, and `module.` and `_orig_mod.` are taken off names, both noted.
///
/// # Errors
/// A file that can't be read, is of another kind, larger than the model's can be or cut off; a tensor that is missing, not the
/// model's, misshapen or of no float type; a value that is not finite in f32; a negative running variance.
pub fn load(path: &Path, params: &[ParamTensor]) -> Result<Loaded, WeightsError> {
    decode(path, &read_bytes(path, params)?, params)
}

/// The bytes of a weights file for [`decode`], at most as many as the model's can be.
///
/// # Errors
/// A file that can't be read, is of another kind, or larger than the model's can be.
pub fn read_bytes(path: &Path, params: &[ParamTensor]) -> Result<Vec<u8>, WeightsError> {
    let mut source = Source::open(path)?;
    // A large file of another kind is called what it is, not too large.
    foreign::refuse(path, &source.head(HEAD)?)?;
    let values: u64 = params.iter().map(|p| p.len as u64).sum();
    let bytes = values.saturating_mul(8).saturating_add(HEADER).min(LIMIT.bytes);
    Ok(source.read(Limit { bytes, what: "a weights file of this model" })?)
}

/// As [`load`], of bytes at hand; `path` is only named in errors and notes.
///
/// # Errors
/// As [`load`].
pub fn decode(path: &Path, bytes: &[u8], params: &[ParamTensor]) -> Result<Loaded, WeightsError> {
    let file = TensorFile::parse(path, bytes)?;
    let mut changes: BTreeMap<Change, usize> = BTreeMap::new();
    let names = own_names(&file, params, &mut changes)?;
    let mut values = Vec::with_capacity(params.iter().map(|p| p.len).sum());
    for param in params {
        let Some(name) = names.get(param.name.as_str()) else {
            return Err(file.error(&param.name, "missing".to_owned()));
        };
        if let Some(from) = file.append_floats(name, &param.shape, &mut values)? {
            *changes.entry(Change::Converted(from)).or_default() += 1;
        }
        let added = &values[values.len() - param.len..];
        check_variance(&file, name, added)?;
    }
    let notes = changes.into_iter().map(|(change, tensors)| Note { path: path.to_owned(), change, tensors });
    Ok(Loaded { values, notes: notes.collect() })
}

/// The file's name of each of the model's tensors that it holds.
fn own_names<'n>(
    file: &'n TensorFile<'_>,
    params: &'n [ParamTensor],
    changes: &mut BTreeMap<Change, usize>,
) -> Result<BTreeMap<&'n str, &'n str>, WeightsError> {
    let known: BTreeMap<&str, &str> = params.iter().map(|p| (p.name.as_str(), p.name.as_str())).collect();
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for name in file.names() {
        let bare: Vec<&str> = name.split('.').filter(|part| !WRAPPERS.contains(part)).collect();
        let bare = bare.join(".");
        // PyTorch counts batches in a tensor that no norm with a fixed momentum reads.
        if bare.ends_with(".num_batches_tracked") {
            continue;
        }
        let Some(&own) = known.get(bare.as_str()) else {
            return Err(file.error(name, "the model has no tensor of this name".to_owned()));
        };
        if let Some(other) = found.insert(own, name) {
            return Err(file.error(name, format!("expected one tensor called `{own}`, found `{other}`, too")));
        }
        for wrapper in WRAPPERS.iter().filter(|wrapper| name.split('.').any(|part| part == **wrapper)) {
            *changes.entry(Change::Renamed(wrapper)).or_default() += 1;
        }
    }
    Ok(found)
}
