//! Files that are handed in as weights and aren't: what they are, and the line that mends it.

use std::path::Path;

use super::WeightsError;
use crate::files::{HEAD, Kind};

/// Refuses bytes, at least the first [`HEAD`] of a file or all of it, that are of another kind than safetensors.
pub(super) fn refuse(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let Some(kind) = Kind::of(head).filter(|&kind| kind != Kind::Safetensors) else { return Ok(()) };
    Err(WeightsError::Foreign { path: path.to_owned(), kind, advice: advice(path, kind, head) })
}

fn advice(path: &Path, kind: Kind, head: &[u8]) -> String {
    // As a Python and shell text in single or double quotes would take it.
    let name = path.display().to_string().replace(['\\', '"', '\'', '$', '`', '\n'], "?");
    let whole = path.with_extension("safetensors").file_name().map_or_else(String::new, |n| n.display().to_string());
    match kind {
        Kind::TorchZip | Kind::Pickle => format!(
            "convert it with: python -c 'import torch, safetensors.torch as s; s.save_file({{k: v.contiguous() for k, v in \
             torch.load(\"{name}\", map_location=\"cpu\", weights_only=True).items()}}, \"{whole}\")' (a file of a whole module \
             instead of its state_dict has to be saved again as torch.save(model.state_dict(), ...) first)"
        ),
        Kind::Json if head.windows(12).any(|w| w == b"\"weight_map\"") || is_index(path) => format!(
            "it is the index of a set of shards; join them with: python -c 'import json, os, safetensors.torch as s; \
             p = \"{name}\"; s.save_file({{k: v for f in set(json.load(open(p))[\"weight_map\"].values()) for k, v in \
             s.load_file(os.path.join(os.path.dirname(p), f)).items()}}, \"whole.safetensors\")'"
        ),
        Kind::LfsPointer => {
            let file = path.file_name().map_or_else(String::new, |n| n.display().to_string());
            format!("fetch the file, in its repository, with: git lfs pull --include \"{file}\"")
        }
        Kind::Html => {
            "the download gave a page instead of the file: download it again, from the link to the raw file".to_owned()
        }
        Kind::Gzip | Kind::Tar | Kind::Bzip2 | Kind::Xz | Kind::Zstd | Kind::Zip => "unpack it first".to_owned(),
        Kind::Numpy | Kind::NumpyZip => {
            "convert it with safetensors.numpy.save_file({name: array, ...}, \"weights.safetensors\")".to_owned()
        }
        Kind::Hdf5 => "save the weights with safetensors.numpy.save_file, with PyTorch's names and layouts".to_owned(),
        Kind::Empty => "the download or copy failed: fetch it again".to_owned(),
        Kind::Json | Kind::Safetensors | Kind::Parquet => "name the file that holds the weights".to_owned(),
    }
}

/// Whether a name says that it is an index: `model.safetensors.index.json`.
fn is_index(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().ends_with("index.json"))
}
