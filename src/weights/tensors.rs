//! Checked access to the tensors of a safetensors file.

use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use super::{WeightsError, foreign};
use crate::files::{Limit, sha256_hex};
use crate::model::ParamTensor;

/// The largest file of weights: as many f64 as the largest model has values (2^29), and a header.
pub const LIMIT: Limit = Limit { bytes: (8 << 29) + HEADER, what: "a weights file" };
/// Bytes that a safetensors header may take.
pub(super) const HEADER: u64 = 64 << 20;

/// The metadata key that files of this program carry: SHA-256 of the data behind the header, 64 hex digits.
pub(super) const DIGEST: &str = "sha256";

/// A safetensors file in memory, whose errors name the file and the tensor.
#[derive(Debug)]
pub struct TensorFile<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    metadata: std::collections::HashMap<String, String>,
}

impl<'a> TensorFile<'a> {
    /// Checks the header and that the file is whole.
    ///
    /// # Errors
    /// Bytes that are no safetensors file, called what they are where that can be told; not all of one, or more; data that differ
    /// from the digest in the metadata, where there is one.
    pub fn parse(path: &'a Path, bytes: &'a [u8]) -> Result<Self, WeightsError> {
        foreign::refuse(path, bytes)?;
        let format = |e: SafeTensorError| WeightsError::Format {
            path: path.to_owned(),
            bytes: bytes.len(),
            message: explain(bytes, e),
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
        let (length, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        // Files of other programs carry none.
        if let Some(expected) = metadata.get(DIGEST) {
            let found = sha256_hex(bytes.get(8 + length..).unwrap_or_default());
            if found != *expected {
                return Err(WeightsError::Digest { path: path.to_owned(), expected: expected.clone(), found });
            }
        }
        Ok(Self { path, tensors, metadata })
    }

    /// The tensors' names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.tensors.names();
        names.sort_unstable();
        names
    }

    /// A text of the file's metadata.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    /// A tensor's shape.
    ///
    /// # Errors
    /// No such tensor.
    pub fn shape(&self, name: &str) -> Result<Vec<usize>, WeightsError> {
        Ok(self.view(name)?.shape().to_vec())
    }

    /// The values of an f32 tensor of a known shape, all finite.
    ///
    /// # Errors
    /// No such tensor; another shape or type; a value that is not finite.
    pub fn f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.typed(name, Dtype::F32, shape)?;
        let mut values = Vec::new();
        self.append_floats(name, shape, &mut values)?;
        Ok(values)
    }

    /// The values of an f32 tensor of a known shape, whatever they are.
    ///
    /// # Errors
    /// No such tensor; another shape or type.
    pub fn any_f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let view = self.typed(name, Dtype::F32, shape)?;
        Ok(view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    }

    /// Appends the values of a tensor of a known shape and any float type of 16 bits or more, as f32. Tells the type, as safetensors
    /// call it, where it is another than f32.
    ///
    /// # Errors
    /// No such tensor; another shape, or no such type; a value that is not finite as f32.
    pub fn append_floats(
        &self,
        name: &str,
        shape: &[usize],
        values: &mut Vec<f32>,
    ) -> Result<Option<String>, WeightsError> {
        let view = self.shaped(name, shape)?;
        let (data, dtype, start) = (view.data(), view.dtype(), values.len());
        match dtype {
            Dtype::F32 => values.extend(data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
            Dtype::F16 => values.extend(data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32())),
            Dtype::BF16 => values.extend(data.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32())),
            Dtype::F64 => values.extend(data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32)),
            other => {
                let expected = "expected type F32 (F16, BF16 and F64 are converted)";
                return Err(self.error(name, format!("{expected}, found {other:?}; save it as tensor.float()")));
            }
        }
        match values[start..].iter().position(|v| !v.is_finite()) {
            None => Ok((dtype != Dtype::F32).then(|| format!("{dtype:?}"))),
            Some(i) => {
                let as_f32 = if dtype == Dtype::F64 { " as f32" } else { "" };
                let found = values[start + i];
                Err(self.error(name, format!("expected finite values, found {found}{as_f32} at index {i}")))
            }
        }
    }

    /// The values of an i64 tensor of a known shape.
    ///
    /// # Errors
    /// No such tensor; another shape or type.
    pub fn i64s(&self, name: &str, shape: &[usize]) -> Result<Vec<i64>, WeightsError> {
        let view = self.typed(name, Dtype::I64, shape)?;
        Ok(view.data().as_chunks::<8>().0.iter().map(|&b| i64::from_le_bytes(b)).collect())
    }

    /// A model's f32 tensors, each called `prefix` and its name, as one flat vector.
    ///
    /// # Errors
    /// As [`TensorFile::f32s`]; a negative running variance.
    pub fn flat(&self, prefix: &str, params: &[ParamTensor]) -> Result<Vec<f32>, WeightsError> {
        let mut w = Vec::new();
        for param in params {
            let name = format!("{prefix}{}", param.name);
            let values = self.f32s(&name, &param.shape)?;
            check_variance(self, &name, &values)?;
            w.extend(values);
        }
        Ok(w)
    }

    /// An error at a tensor of this file.
    pub fn error(&self, tensor: &str, message: String) -> WeightsError {
        WeightsError::Tensor { path: self.path.to_owned(), tensor: tensor.to_owned(), message }
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>, WeightsError> {
        self.tensors.tensor(name).map_err(|_| self.error(name, "missing".to_owned()))
    }

    fn shaped(&self, name: &str, shape: &[usize]) -> Result<TensorView<'a>, WeightsError> {
        let view = self.view(name)?;
        if view.shape() != shape {
            return Err(self.error(name, format!("expected shape {shape:?}, found {:?}", view.shape())));
        }
        Ok(view)
    }

    fn typed(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<TensorView<'a>, WeightsError> {
        let found = self.view(name)?.dtype();
        if found != dtype {
            return Err(self.error(name, format!("expected type {dtype:?}, found {found:?}")));
        }
        self.shaped(name, shape)
    }
}

/// What is wrong with bytes that are no safetensors file, or not all of one, or more.
fn explain(bytes: &[u8], error: SafeTensorError) -> String {
    const AGAIN: &str = "download or copy it again";
    let header = bytes.first_chunk().map_or(0, |&length| u64::from_le_bytes(length));
    match error {
        SafeTensorError::HeaderTooSmall => {
            format!("expected at least 8 bytes of header length; the file is cut off, {AGAIN}")
        }
        SafeTensorError::HeaderTooLarge => {
            format!("expected the length of a header, below 100 MB, found {header}; this is another kind of file")
        }
        SafeTensorError::InvalidHeaderLength => {
            format!("the header alone is {header} bytes long; the file is cut off, {AGAIN}")
        }
        SafeTensorError::MetadataIncompleteBuffer => match whole(bytes, header) {
            Some(whole) if whole > bytes.len() as u64 => {
                format!(
                    "expected {whole} by its header, {} are missing at the end; {AGAIN}",
                    whole - bytes.len() as u64
                )
            }
            Some(whole) => {
                let more = bytes.len() as u64 - whole;
                format!(
                    "expected {whole} by its header, found {more} more at the end; cut them off: truncate -s {whole} FILE"
                )
            }
            None => format!("its size is not the one that its header says; {AGAIN}"),
        },
        other => other.to_string(),
    }
}

/// The size of the whole file, by its header.
fn whole(bytes: &[u8], header: u64) -> Option<u64> {
    let end = 8usize.checked_add(usize::try_from(header).ok()?)?;
    let metadata: Metadata = serde_json::from_slice(bytes.get(8..end)?).ok()?;
    (end as u64).checked_add(metadata.data_len() as u64)
}

/// Refuses a running variance below 0: no data has one, and its root is no number.
pub(super) fn check_variance(file: &TensorFile<'_>, name: &str, values: &[f32]) -> Result<(), WeightsError> {
    match values.iter().position(|&v| v < 0.0) {
        Some(i) if name.ends_with("running_var") => {
            Err(file.error(name, format!("expected variances of at least 0, found {} at index {i}", values[i])))
        }
        _ => Ok(()),
    }
}
