//! Writing safetensors files. Tensors stand in flat order and metadata in the order given, so that the same weights
//! always give the same bytes (the crate's own writer keeps metadata in a hash map).

use std::path::Path;

use serde_json::{Map, Value, json};

use super::WeightsError;
use super::tensors::DIGEST;
use crate::files::{sha256_hex, write_whole};
use crate::model::ParamTensor;

/// Writes a flat vector as a model's tensors, the file whole or not at all.
///
/// # Errors
/// A vector of another length than the model's; a value that is not finite; a file that can't be written.
pub fn save(path: &Path, params: &[ParamTensor], w: &[f32], metadata: &[(&str, &str)]) -> Result<(), WeightsError> {
    Ok(write_whole(path, &checked(path, params, w, metadata)?)?)
}

/// The bytes of the file that [`save`] writes; `path` names it in errors.
///
/// # Errors
/// A vector of another length than the model's; a value that is not finite.
pub fn checked(
    path: &Path,
    params: &[ParamTensor],
    w: &[f32],
    metadata: &[(&str, &str)],
) -> Result<Vec<u8>, WeightsError> {
    let expected: usize = params.iter().map(|p| p.len).sum();
    if w.len() != expected {
        return Err(WeightsError::Length { path: path.to_owned(), expected, found: w.len() });
    }
    if let Some(i) = w.iter().position(|v| !v.is_finite()) {
        let param = params.iter().find(|p| (p.offset..p.offset + p.len).contains(&i));
        return Err(WeightsError::Tensor {
            path: path.to_owned(),
            tensor: param.map_or_else(String::new, |p| p.name.clone()),
            message: format!("refused to write {}, expected finite values", w[i]),
        });
    }
    Ok(encode(params, w, metadata))
}

/// The bytes of such a file, the data's digest in its metadata; `w` has the model's length.
pub fn encode(params: &[ParamTensor], w: &[f32], metadata: &[(&str, &str)]) -> Vec<u8> {
    let data: Vec<u8> = w.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut header = Map::new();
    let mut texts: Map<String, Value> = metadata.iter().map(|&(k, v)| (k.to_owned(), json!(v))).collect();
    texts.insert(DIGEST.to_owned(), Value::String(sha256_hex(&data)));
    header.insert("__metadata__".to_owned(), Value::Object(texts));
    for p in params {
        let offsets = [4 * p.offset, 4 * (p.offset + p.len)];
        header.insert(p.name.clone(), json!({"dtype": "F32", "shape": p.shape, "data_offsets": offsets}));
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    // Data start on 8 bytes, as the format wants.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = Vec::with_capacity(8 + text.len() + data.len());
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text);
    bytes.extend(data);
    bytes
}
