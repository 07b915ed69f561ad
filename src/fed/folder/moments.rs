//! A server's moments as bytes of a safetensors file, a flat tensor each.

use std::path::Path;

use crate::engine::{NamedValues, State};
use crate::model::{Init, ParamTensor};
use crate::weights::{self, WeightsError};

/// The bytes of all saved vectors of a state but its weights.
pub fn encode(saved: &[NamedValues]) -> Vec<u8> {
    let moments = || saved.iter().filter(|vector| vector.name != State::WEIGHTS);
    let tensors = tensors(moments().map(|vector| (vector.name.as_str(), vector.values.len())));
    let values: Vec<f32> = moments().flat_map(|vector| vector.values.iter().copied()).collect();
    weights::encode(&tensors, &values, &[])
}

/// The vectors of these names and `len` values each; `path` names the file in errors.
///
/// # Errors
/// Bytes that are no such file.
pub fn decode(path: &Path, bytes: &[u8], names: &[&str], len: usize) -> Result<Vec<NamedValues>, WeightsError> {
    let values = weights::decode(path, bytes, &tensors(names.iter().map(|name| (*name, len))))?.values;
    let named = |(name, values): (&&str, &[f32])| NamedValues { name: (*name).to_owned(), values: values.to_vec() };
    Ok(names.iter().zip(values.chunks(len.max(1))).map(named).collect())
}

fn tensors<'a>(vectors: impl Iterator<Item = (&'a str, usize)>) -> Vec<ParamTensor> {
    let mut end = 0;
    let tensor = |(name, len): (&str, usize)| {
        end += len;
        ParamTensor { name: name.to_owned(), shape: vec![len], offset: end - len, len, init: Init::Zeros }
    };
    vectors.map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back_by_name() {
        let named = |name: &str, first: f32| NamedValues {
            name: name.to_owned(),
            values: (0..5).map(|i| first + i as f32).collect(),
        };
        let (first, second) = (named("first moment", -1.5), named("second moment", 1e-6));
        let bytes = encode(&[named(State::WEIGHTS, 9.0), first.clone(), second.clone()]);
        let path = Path::new("moments");
        assert_eq!(decode(path, &bytes, &["second moment", "first moment"], 5).unwrap(), [second, first]);
        assert!(decode(path, &bytes, &["first moment"], 5).is_err());
        assert!(decode(path, &bytes, &["first moment", "second moment"], 4).is_err());
    }
}
