//! Layer norm of each token.

use serde_json::{Value, json};

use crate::kernels::layer_norm::{self, Params};
use crate::kernels::parts::SumSplit;
use crate::kernels::{layer_norm_grad, layer_norm_grad_params};
use crate::layers::{
    Backward, Entry, Footprint, Form, Forward, GradientWays, Images, Keeps, Kind, LaneTables, Mode, ModelError, Site,
};
use crate::recording::Recording;

/// Layer norm of each token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Rows of a sample.
    pub rows: usize,
    /// Values of a row.
    pub dim: usize,
    /// Offset of the scale.
    pub weight: usize,
    /// Offset of the shift.
    pub bias: usize,
}

/// `{layernorm = true}`: over all values of a sample, with scale and shift a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = LayerNorm;
    const NAME: &'static str = "layernorm";
    const FORM: Form<Self> = Form::Table {
        example: "true",
        keys: &["layernorm"],
        read: |table| {
            table.required(Self::NAME, |value| {
                if value == &json!(true) { Ok(Self) } else { Err(format!("expected true, found {value}")) }
            })
        },
    };

    fn to_json(&self) -> Value {
        json!({"layernorm": true})
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<LayerNorm>, ModelError> {
        let [weight, bias] = site.scale_and_shift(site.shape.sides())?;
        Ok(Some(LayerNorm { rows: 1, dim: site.shape.len(), weight, bias }))
    }
}

impl LayerNorm {
    fn params(&self, accumulate: bool) -> Params {
        Params {
            dim: self.dim as u32,
            scale_offset: self.weight as u32,
            bias_offset: self.bias as u32,
            accumulate: u32::from(accumulate),
        }
    }
}

impl Kind for LayerNorm {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        let len = self.rows * self.dim;
        Images::flat(len, len)
    }

    fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        input.to_vec()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn tensors(&self) -> Vec<usize> {
        vec![self.weight, self.bias]
    }

    /// Sums run in trees; what is left is short.
    fn summands(&self) -> usize {
        64
    }

    fn keeps(&self) -> Keeps {
        Keeps { saved: Footprint { row: 2 * self.rows, lane: 0 }, ..Keeps::default() }
    }

    fn splits(&self, _how: &GradientWays) -> Vec<(SumSplit, u32)> {
        let params = self.params(false);
        params.split(self.rows as u32).map(|split| (split, params.tensors().size())).into_iter().collect()
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let (lanes, params) = (lanes.of_rows(self.rows), self.params(false));
        layer_norm::record(rec, lanes, mode.product.perturbed, &params, io.weights, io.x, io.y, io.saved);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        let (lanes, params) = (lanes.of_rows(self.rows), self.params(io.accumulate));
        layer_norm_grad_params::record(rec, lanes, &params, io.x, io.dy, io.saved, &io.target);
        if let Some(dx) = io.dx {
            layer_norm_grad::record(rec, lanes, &params, io.weights, io.x, io.dy, io.saved, dx);
        }
    }
}
