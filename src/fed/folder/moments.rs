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

/// The vectors of these names and lengths; `path` names the file in errors.
///
/// # Errors
/// Bytes that are no such file.
pub fn decode(path: &Path, bytes: &[u8], vectors: &[(&str, usize)]) -> Result<Vec<NamedValues>, WeightsError> {
    let mut values = weights::decode(path, bytes, &tensors(vectors.iter().copied()))?.values.into_iter();
    let mut named = |&(name, len): &(&str, usize)| NamedValues {
        name: name.to_owned(),
        values: values.by_ref().take(len).collect(),
    };
    Ok(vectors.iter().map(&mut named).collect())
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
        let scale = NamedValues { name: "loss scale".to_owned(), values: vec![32_768.0, 7.0] };
        let bytes = encode(&[named(State::WEIGHTS, 9.0), first.clone(), second.clone(), scale.clone()]);
        let decode = |vectors: &[(&str, usize)]| decode(Path::new("moments"), &bytes, vectors);
        let [a, b, c] = [("first moment", 5), ("second moment", 5), ("loss scale", 2)];
        assert_eq!(decode(&[c, b, a]).unwrap(), [scale, second, first]);
        assert!(decode(&[a, c]).is_err());
        assert!(decode(&[a, ("second moment", 4), c]).is_err());
    }
}
