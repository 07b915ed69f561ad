//! Affine maps of feature vectors or tokens.

use serde_json::{Value, json};

use crate::caps::Layout;
use crate::kernels::lib::halves::Halves;
use crate::kernels::parts::SumSplit;
use crate::kernels::tile_order::Order;
use crate::kernels::tiling::Operands;
use crate::kernels::{bias_grad, linear, linear_grad_input, linear_grad_weight};
use crate::layers::limits::fits;
use crate::layers::passes::offset;
use crate::layers::table::{flag, size};
use crate::layers::{
    Backward, Entry, Form, Forward, GradientWays, HalvesOf, Images, Init, Kind, LaneTables, Mode, ModelError, Pass,
    Shape, Site, Sizes, Weights,
};
use crate::recording::Recording;

/// `y = W x + b`, W `[out, in]`, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    /// Rows of a sample: 1, or its tokens.
    pub rows: usize,
    /// Inputs.
    pub in_features: usize,
    /// Outputs.
    pub out_features: usize,
    /// Offset of W.
    pub weight: usize,
    /// Offset of b.
    pub bias: Option<usize>,
    /// ReLU follows.
    pub relu: bool,
}

/// `{linear = out, bias}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Outputs.
    pub out: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl Entry for Spec {
    type Layer = Linear;
    const NAME: &'static str = "linear";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["linear", "bias"],
        read: |table| {
            let bias = table.optional("bias", flag)?.unwrap_or(true);
            Ok(Self { out: table.required(Self::NAME, size)?, bias })
        },
    };

    fn to_json(&self) -> Value {
        json!({"linear": self.out, "bias": self.bias})
    }

    fn outputs(&mut self) -> Option<&mut usize> {
        Some(&mut self.out)
    }

    /// Of a feature vector.
    fn append(&self, site: &mut Site<'_>) -> Result<Option<Linear>, ModelError> {
        let (input, out_features) = (*site.shape, self.out);
        if input.spatial() != 1 {
            let message = format!("expects a feature vector, its input is {input}; put \"flatten\" before it");
            return Err(site.error(message));
        }
        fits(site.place, [out_features, 1, 1])?;
        let init = Init::HeNormal { fan_in: input.c };
        let (weight, bias) = site.product(vec![out_features, input.c], init, self.bias)?;
        *site.shape = Shape::features(out_features);
        Ok(Some(Linear { rows: 1, in_features: input.c, out_features, weight, bias, relu: false }))
    }
}

impl Linear {
    fn weight_gradient(&self, from_batch: bool, accumulate: bool) -> linear_grad_weight::Params {
        linear_grad_weight::Params {
            inputs: self.in_features as u32,
            outputs: self.out_features as u32,
            weight_offset: self.weight as u32,
            from_batch: u32::from(from_batch),
            accumulate: u32::from(accumulate),
        }
    }

    fn bias_gradient(&self, accumulate: bool) -> Option<bias_grad::Params> {
        let (outputs, accumulate) = (self.out_features as u32, u32::from(accumulate));
        Some(bias_grad::Params {
            outputs,
            spatial: 1,
            layout: Layout::default(),
            bias_offset: self.bias? as u32,
            accumulate,
        })
    }
}

impl Kind for Linear {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        Images::flat(self.rows * self.in_features, self.rows * self.out_features)
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        if self.rows > 1 { vec![self.rows, self.out_features] } else { vec![self.out_features] }
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn tensors(&self) -> Vec<usize> {
        [self.weight].into_iter().chain(self.bias).collect()
    }

    fn flops_forward(&self) -> u64 {
        2 * (self.rows * self.in_features) as u64 * self.out_features as u64
    }

    fn summands(&self) -> usize {
        self.in_features + 2
    }

    fn reads_shared_rows(&self) -> bool {
        true
    }

    fn ends_with_relu(&self) -> bool {
        self.relu
    }

    fn product(&self) -> Option<Sizes> {
        let (inputs, outputs, rows) = (self.in_features as u32, self.out_features as u32, self.rows as u32);
        Some(Sizes::Linear { inputs, outputs, rows })
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights { weight: self.weight, bias: self.bias, inputs: self.in_features })
    }

    fn add_relu(&mut self) -> bool {
        self.relu = true;
        true
    }

    fn adds_residual(&self) -> bool {
        !self.relu
    }

    fn order(&self, pass: Pass) -> Option<Order> {
        let forward = matches!(pass, Pass::Forward | Pass::Perturbed);
        forward.then(|| Order::of_linear(self.in_features as u32, self.out_features as u32))
    }

    fn halves(&self, how: &HalvesOf) -> Halves {
        let fit = |values| how.way.takes_halves() && Halves::fit(values);
        Halves { x: fit(self.in_features), residual: false, y: fit(self.out_features) }
    }

    fn splits(&self, how: &GradientWays) -> Vec<(SumSplit, u32)> {
        let (params, rows) = (self.weight_gradient(false, false), self.rows as u32);
        let weight = params.split(how.of_weight(), rows).map(|split| (split, params.inputs * params.outputs));
        let bias = self.bias_gradient(false).and_then(|bias| Some((bias.split(rows)?, params.outputs)));
        weight.into_iter().chain(bias).collect()
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let params = linear::Params {
            inputs: self.in_features as u32,
            outputs: self.out_features as u32,
            weight_offset: self.weight as u32,
            bias_offset: offset(self.bias),
            from_batch: u32::from(io.from_batch),
            activation: match (self.relu, io.gelu) {
                (true, _) => linear::RELU,
                (false, true) => linear::GELU,
                (false, false) => linear::NONE,
            },
        };
        let operands = Operands { weights: io.weights, x: io.x, y: io.y, room: io.room };
        linear::record(rec, lanes.of_rows(self.rows), &mode.product, &params, &operands, io.residual);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        let lanes = lanes.of_rows(self.rows);
        let params = self.weight_gradient(io.from_batch, io.accumulate);
        linear_grad_weight::record(rec, lanes, io.how.of_weight(), &params, io.x, io.dy, &io.target);
        if let Some(params) = self.bias_gradient(io.accumulate) {
            bias_grad::record(rec, lanes, &params, io.dy, &io.target);
        }
        if let Some(dx) = io.dx {
            let linear_grad_weight::Params { inputs, outputs, weight_offset, .. } = params;
            let params = linear_grad_input::Params { inputs, outputs, weight_offset };
            linear_grad_input::record(rec, lanes, io.how.of_input(), &params, io.weights, io.dy, dx);
        }
    }

    fn can_end_with_gelu(&self) -> bool {
        !self.relu
    }
}
