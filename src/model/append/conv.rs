//! Square convolutions.

use super::At;
use crate::model::ModelError;
use crate::model::build::{Builder, MAX_VALUES, fits, too_large, window};
use crate::model::entry::LayerSpec;
use crate::model::graph::{Init, Shape};
use crate::model::layer::{Conv, Layer};

/// `W [out, in, k, k]`, and a bias where it has one. `spec` is a convolution.
pub(super) fn append(builder: &mut Builder, at: At<'_>, spec: &LayerSpec) -> Result<Layer, ModelError> {
    let &LayerSpec::Conv { out, kernel, stride, padding, bias } = spec else {
        return Err(at.error(format!("expected a convolution, found {}", spec.kind())));
    };
    let input = builder.shape;
    let side = |n: usize| window(n, kernel, stride, padding);
    let (Some(h), Some(w)) = (side(input.h), side(input.w)) else {
        let message = format!("a kernel of {kernel} with padding {padding} does not fit its input {input}");
        return Err(at.error(message));
    };
    if padding >= kernel {
        return Err(at.error(format!("expects a padding below its kernel of {kernel}, found {padding}")));
    }
    fits(at.place, [out, h, w])?;
    let fan_in = u128::from(input.c as u64) * (kernel as u128).pow(2);
    if fan_in > MAX_VALUES {
        return Err(too_large(at.place, fan_in));
    }
    let init = Init::HeNormal { fan_in: fan_in as usize };
    let (weight, bias) = builder.product(at, vec![out, input.c, kernel, kernel], init, bias)?;
    builder.shape = Shape { c: out, h, w };
    Ok(Layer::Conv(Conv { input, output: builder.shape, kernel, stride, padding, weight, bias, relu: false }))
}
