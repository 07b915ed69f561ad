//! Affine maps of feature vectors.

use super::At;
use crate::model::ModelError;
use crate::model::build::{Builder, fits};
use crate::model::graph::{Init, Shape};
use crate::model::layer::{Layer, Linear};

/// `W [out, in]`, and a bias where it has one.
pub(super) fn append(builder: &mut Builder, at: At<'_>, out: usize, bias: bool) -> Result<Layer, ModelError> {
    let input = builder.shape;
    if input.spatial() != 1 {
        let message = format!("expects a feature vector, its input is {input}; put \"flatten\" before it");
        return Err(at.error(message));
    }
    fits(at.place, [out, 1, 1])?;
    let init = Init::HeNormal { fan_in: input.c };
    let (weight, bias) = builder.product(at, vec![out, input.c], init, bias)?;
    builder.shape = Shape::features(out);
    Ok(Layer::Linear(Linear { rows: 1, in_features: input.c, out_features: out, weight, bias, relu: false }))
}
