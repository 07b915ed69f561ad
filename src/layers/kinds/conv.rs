//! Square convolutions.

use serde_json::{Value, json};

use crate::caps::Layout;
use crate::kernels::conv::{self, Geometry};
use crate::kernels::lib::halves::Halves;
use crate::kernels::parts::SumSplit;
use crate::kernels::tile_order::Order;
use crate::kernels::tiling::{Operands, Tiling};
use crate::kernels::{bias_grad, conv_grad_input, conv_grad_weight};
use crate::layers::limits::{MAX_VALUES, fits, too_large};
use crate::layers::passes::{dims, offset};
use crate::layers::shape::window;
use crate::layers::table::{flag, size, size_or_zero};
use crate::layers::{
    Backward, Entry, Form, Forward, GradientWays, HalvesOf, Images, Init, Kind, LaneTables, Mode, ModelError, Pass,
    Shape, Site, Sizes, Weights,
};
use crate::recording::Recording;

/// Square convolution, W `[out, in, k, k]`, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Offset of W.
    pub weight: usize,
    /// Offset of b.
    pub bias: Option<usize>,
    /// ReLU follows.
    pub relu: bool,
}

/// `{conv = out, kernel, stride, padding, bias}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Output channels.
    pub out: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl Entry for Spec {
    type Layer = Conv;
    const NAME: &'static str = "conv";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["conv", "kernel", "stride", "padding", "bias"],
        read: |table| {
            Ok(Self {
                out: table.required(Self::NAME, size)?,
                kernel: table.required("kernel", size)?,
                stride: table.optional("stride", size)?.unwrap_or(1),
                padding: table.optional("padding", size_or_zero)?.unwrap_or(0),
                bias: table.optional("bias", flag)?.unwrap_or(true),
            })
        },
    };

    fn to_json(&self) -> Value {
        let Self { out, kernel, stride, padding, bias } = self;
        json!({"conv": out, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias})
    }

    fn outputs(&mut self) -> Option<&mut usize> {
        Some(&mut self.out)
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Conv>, ModelError> {
        let (input, Self { out, kernel, stride, padding, bias }) = (*site.shape, *self);
        let side = |n: usize| window(n, kernel, stride, padding);
        let (Some(h), Some(w)) = (side(input.h), side(input.w)) else {
            let message = format!("a kernel of {kernel} with padding {padding} does not fit its input {input}");
            return Err(site.error(message));
        };
        if padding >= kernel {
            return Err(site.error(format!("expects a padding below its kernel of {kernel}, found {padding}")));
        }
        fits(site.place, [out, h, w])?;
        let fan_in = u128::from(input.c as u64) * (kernel as u128).pow(2);
        if fan_in > MAX_VALUES {
            return Err(too_large(site.place, fan_in));
        }
        let init = Init::HeNormal { fan_in: fan_in as usize };
        let (weight, bias) = site.product(vec![out, input.c, kernel, kernel], init, bias)?;
        let output = Shape { c: out, h, w };
        *site.shape = output;
        Ok(Some(Conv { input, output, kernel, stride, padding, weight, bias, relu: false }))
    }
}

impl Conv {
    fn geometry(&self, layout: Layout) -> Geometry {
        Geometry {
            input: dims(self.input),
            output: dims(self.output),
            kernel: self.kernel as u32,
            stride: self.stride as u32,
            padding: self.padding as u32,
            layout,
        }
    }

    fn gradient(&self, layout: Layout, from_batch: bool, accumulate: bool) -> conv_grad_weight::Params {
        let ([c, h, w], [out_c, out_h, out_w]) = (dims(self.input), dims(self.output));
        conv_grad_weight::Params {
            c,
            h,
            w,
            out_c,
            out_h,
            out_w,
            kernel: self.kernel as u32,
            stride: self.stride as u32,
            padding: self.padding as u32,
            layout,
            weight_offset: self.weight as u32,
            from_batch: u32::from(from_batch),
            accumulate: u32::from(accumulate),
        }
    }

    fn bias_gradient(&self, layout: Layout, accumulate: bool) -> Option<bias_grad::Params> {
        let (outputs, spatial) = (self.output.c as u32, self.output.spatial() as u32);
        let (bias_offset, accumulate) = (self.bias? as u32, u32::from(accumulate));
        Some(bias_grad::Params { outputs, spatial, layout, bias_offset, accumulate })
    }
}

impl Kind for Conv {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn mixes_places(&self) -> bool {
        true
    }

    fn images(&self) -> Images {
        Images::Of(self.input, self.output)
    }

    fn tensors(&self) -> Vec<usize> {
        [self.weight].into_iter().chain(self.bias).collect()
    }

    fn flops_forward(&self) -> u64 {
        2 * self.output.len() as u64 * (self.input.c * self.kernel * self.kernel) as u64
    }

    fn summands(&self) -> usize {
        self.input.c * self.kernel * self.kernel + 2
    }

    fn reads_shared_rows(&self) -> bool {
        true
    }

    fn ends_with_relu(&self) -> bool {
        self.relu
    }

    fn product(&self) -> Option<Sizes> {
        Some(Sizes::of_conv(&self.geometry(Layout::default())))
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights { weight: self.weight, bias: self.bias, inputs: self.input.c })
    }

    fn add_relu(&mut self) -> bool {
        self.relu = true;
        true
    }

    fn order(&self, pass: Pass) -> Option<Order> {
        let geometry = self.geometry(Layout::ChannelsLast);
        match pass {
            Pass::Forward | Pass::Perturbed => Some(Order::of_conv(&geometry, 1)),
            Pass::Input => Some(Order::of_conv_input(&geometry, 1)),
            Pass::Weight => None,
        }
    }

    fn halves(&self, how: &HalvesOf) -> Halves {
        let able = how.way.takes_halves();
        let fit = |shape: Shape| able && Halves::fit(shape.c);
        Halves { x: fit(self.input), residual: false, y: fit(self.output) }
    }

    fn splits(&self, how: &GradientWays) -> Vec<(SumSplit, u32)> {
        let params = self.gradient(how.layout, false, false);
        let weight = params.weight_split(how.of_weight()).map(|split| (split, params.weight_len()));
        let bias = self.bias_gradient(how.layout, false).and_then(|bias| Some((bias.split(1)?, bias.outputs)));
        weight.into_iter().chain(bias).collect()
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let params = conv::Params {
            weight_offset: self.weight as u32,
            bias_offset: offset(self.bias),
            from_batch: u32::from(io.from_batch),
            relu: u32::from(self.relu),
        };
        let operands = Operands { weights: io.weights, x: io.x, y: io.y, room: io.room };
        let (lanes, how, geometry) = (&lanes.samples, &mode.product, self.geometry(mode.layout));
        if io.pooled {
            return conv::record_pooled(rec, lanes, how, &geometry, &params, &operands);
        }
        conv::record(rec, lanes, how, &geometry, &params, &operands, io.moments_of_parts);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        let lanes = &lanes.samples;
        let params = self.gradient(io.how.layout, io.from_batch, io.accumulate);
        conv_grad_weight::record(rec, lanes, io.how.of_weight(), &params, io.x, io.dy, &io.target);
        if let Some(params) = self.bias_gradient(io.how.layout, io.accumulate) {
            bias_grad::record(rec, lanes, &params, io.dy, &io.target);
        }
        if let Some(dx) = io.dx {
            let operands = Operands { weights: io.weights, x: io.dy, y: dx, room: io.room };
            conv_grad_input::record(rec, lanes, io.how.of_input(), &params, &operands);
        }
    }

    fn can_end_with_pool(&self, tiling: Tiling, layout: Layout) -> bool {
        conv::can_be_pooled(tiling, &self.geometry(layout))
    }

    fn leaves_moments(&self) -> Option<Geometry> {
        (!self.relu).then(|| self.geometry(Layout::default()))
    }
}
