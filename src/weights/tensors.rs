//! Checked access to the tensors of a safetensors file.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use super::{DIGEST, WeightsError};
use crate::files::sha256_hex;
use crate::model::ParamTensor;

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
    /// Bytes that are no safetensors file, or not all of one; data that differ from the digest in the metadata, where there is one.
    pub fn parse(path: &'a Path, bytes: &'a [u8]) -> Result<Self, WeightsError> {
        let format = |e: SafeTensorError| {
            let message = match e {
                SafeTensorError::HeaderTooSmall => "expected at least 8 bytes of header length".to_owned(),
                SafeTensorError::InvalidHeaderLength => "the header is longer than the file (truncated?)".to_owned(),
                SafeTensorError::MetadataIncompleteBuffer => {
                    "the data are not as long as the header says (truncated?)".to_owned()
                }
                other => other.to_string(),
            };
            WeightsError::Format { path: path.to_owned(), bytes: bytes.len(), message }
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
        let view = self.typed(name, Dtype::F32, shape)?;
        let values: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(i) => Err(self.error(name, format!("expected finite values, found {} at index {i}", values[i]))),
            None => Ok(values),
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

    /// A model's tensors, each called `prefix` and its name, as one flat vector.
    ///
    /// # Errors
    /// As [`TensorFile::f32s`].
    pub fn flat(&self, prefix: &str, params: &[ParamTensor]) -> Result<Vec<f32>, WeightsError> {
        let mut w = Vec::with_capacity(params.iter().map(|p| p.len).sum());
        for param in params {
            w.extend(self.f32s(&format!("{prefix}{}", param.name), &param.shape)?);
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

    fn typed(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<TensorView<'a>, WeightsError> {
        let view = self.view(name)?;
        if view.dtype() != dtype {
            return Err(self.error(name, format!("expected type {dtype:?}, found {:?}", view.dtype())));
        }
        if view.shape() != shape {
            return Err(self.error(name, format!("expected shape {shape:?}, found {:?}", view.shape())));
        }
        Ok(view)
    }
}
