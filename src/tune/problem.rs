//! A pass of a product by itself, on made-up values: what is checked and timed.

use crate::caps::Layout;
use crate::device::{Device, DeviceError};
use crate::kernels::conv::{self, Geometry};
use crate::kernels::lib::halves::Halves;
use crate::kernels::params::{ABSENT, Lane, Lanes};
use crate::kernels::parts::Target;
use crate::kernels::tiling::{Gradient, Operands, Product, Tiling};
use crate::kernels::way::Way;
use crate::kernels::{
    conv_grad_input, conv_grad_weight, convert, fill_values, linear, linear_grad_input, linear_grad_weight,
};
use crate::layers::{Pass, Sizes};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::Distribution;

/// A pass of a product with its buffers.
pub struct Problem {
    sizes: Sizes,
    pass: Pass,
    layout: Layout,
    tiling: Tiling,
    lanes: Lanes,
    weights: Span,
    x: Span,
    /// `x` as f16, where the pass can have it so.
    halves: Option<Span>,
    y: Span,
    gradients: Target,
    room: Span,
    buffers: Vec<BufferId>,
}

impl Problem {
    /// `lanes` lanes of `samples` samples each; forward lanes share their weights, others have weights of their own.
    ///
    /// # Errors
    /// A buffer that can't be made.
    pub fn new(
        device: &mut dyn Device,
        (sizes, pass): (Sizes, Pass),
        layout: Layout,
        (lanes, samples): (u32, u32),
    ) -> Result<Self, DeviceError> {
        let (input, output, weight, sample_rows) = lengths(sizes);
        let own = matches!(pass, Pass::Weight | Pass::Input);
        let stride = weight.next_multiple_of(64);
        let forward = matches!(pass, Pass::Forward | Pass::Perturbed);
        let able = device.info().matrices.halves && forward && Halves::fit(sizes.inputs() as usize);
        let mut buffers = Vec::new();
        let mut make = |name: &str, values: u64| {
            let id = device.create_buffer(name, 4 * values.max(4))?;
            buffers.push(id);
            Ok::<_, DeviceError>(Span::of(id, 4 * values.max(4)))
        };
        let rows = u64::from(lanes * samples);
        let slots = if own { u64::from(lanes) } else { 1 };
        let (weights, x) = (make("tune weights", slots * stride)?, make("tune x", rows * input)?);
        let y = make("tune y", rows * output)?;
        let (gradients, parts) = if pass == Pass::Weight {
            (
                make("tune gradients", slots * stride)?,
                make("tune parts", (slots * stride * 64).min(16 << 20).max(weight))?,
            )
        } else {
            (weights, weights)
        };
        let table: Vec<Lane> = (0..lanes)
            .map(|i| {
                let row0 = i * samples;
                let weight_base = if own { i * stride as u32 } else { 0 };
                let coef = if i % 2 == 0 { 0.01 } else { -0.01 };
                Lane { weight_base, seed_lo: i / 2, seed_hi: 7, coef, x_row: row0, row0, rows: samples, out_row: row0 }
            })
            .map(|lane| Lane {
                x_row: lane.x_row * sample_rows,
                row0: lane.row0 * sample_rows,
                rows: samples * sample_rows,
                ..lane
            })
            .collect();
        // Weights and signs in the order of tiles: rows end on quads, and on words of 32.
        let padded = |columns: u64, to: u64| weight.div_ceil(columns.max(1)) * columns.next_multiple_of(to);
        let most = |to: u64| padded(u64::from(sizes.columns()), to).max(padded(u64::from(sizes.inputs()), to));
        // Or weights in f16, each lane's own, of whole 64 terms.
        let of_halves =
            u64::from(sizes.columns()) * (weight / u64::from(sizes.columns().max(1))).next_multiple_of(64) / 2;
        let of_halves = if able { u64::from(lanes) * of_halves } else { 0 };
        let room = make("tune room", (slots * most(4) + u64::from(lanes) * most(32) / 32 + 256).max(of_halves))?;
        let halves = if able { Some(make("tune x in f16", rows * input / 2)?) } else { None };
        let lane_table = make("tune lanes", 8 * u64::from(lanes))?;
        let mut fill = Recording::new();
        fill.upload(lane_table.buffer, 0, &table);
        for (span, seed) in [(weights, 1u64), (x, 2), (y, 3)] {
            fill_values::record(&mut fill, Distribution::Uniform, seed, 0, (span.bytes / 4) as u32, span.buffer);
        }
        if let Some(halves) = halves {
            convert::to_halves(&mut fill, (rows * input) as u32, x, halves);
        }
        device.run(&fill)?;
        let lanes = Lanes::new(lane_table, &table).of_tokens(sample_rows);
        let tiling = Tiling::of(device.info());
        let gradients = Target { gradients, parts };
        Ok(Self { sizes, pass, layout, tiling, lanes, weights, x, halves, y, gradients, room, buffers })
    }

    /// The pass in a way.
    pub fn record(&self, rec: &mut Recording, way: Way) {
        // Where some product is of f16, activations are f16 in memory; those that a sum by shuffles is compared with were f32.
        let halves = self.halves.filter(|_| matches!(way, Way::Matrix(_)) && way.takes_halves());
        let product = Product {
            way,
            halves: Halves { x: halves.is_some(), ..Halves::default() },
            ..Product::by_shuffles(self.tiling, self.perturbed())
        };
        let gradient = Gradient { tiling: self.tiling, way };
        let x = halves.unwrap_or(self.x);
        let (lanes, io) = (&self.lanes, Operands { weights: self.weights, x, y: self.y, room: self.room });
        match self.sizes {
            Sizes::Linear { inputs, outputs, .. } => match self.pass {
                Pass::Forward | Pass::Perturbed => {
                    let (weight_offset, bias_offset, from_batch, activation) = (0, ABSENT, 0, linear::NONE);
                    let params = linear::Params { inputs, outputs, weight_offset, bias_offset, from_batch, activation };
                    linear::record(rec, lanes, &product, &params, &io, None);
                }
                Pass::Weight => {
                    let (weight_offset, from_batch, accumulate) = (0, 0, 0);
                    let params = linear_grad_weight::Params { inputs, outputs, weight_offset, from_batch, accumulate };
                    linear_grad_weight::record(rec, lanes, gradient, &params, self.x, self.y, &self.gradients);
                }
                Pass::Input => {
                    let params = linear_grad_input::Params { inputs, outputs, weight_offset: 0 };
                    linear_grad_input::record(rec, lanes, gradient, &params, self.weights, self.y, self.x);
                }
            },
            Sizes::Conv { input, output, kernel, stride, padding } => {
                let layout = self.layout;
                let geometry = Geometry { input, output, kernel, stride, padding, layout };
                let params = conv_grad_weight::Params {
                    c: input[0],
                    h: input[1],
                    w: input[2],
                    out_c: output[0],
                    out_h: output[1],
                    out_w: output[2],
                    kernel,
                    stride,
                    padding,
                    layout,
                    weight_offset: 0,
                    from_batch: 0,
                    accumulate: 0,
                };
                match self.pass {
                    Pass::Forward | Pass::Perturbed => {
                        let params = conv::Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 0, relu: 0 };
                        conv::record(rec, lanes, &product, &geometry, &params, &io, None);
                    }
                    Pass::Weight => {
                        conv_grad_weight::record(rec, lanes, gradient, &params, self.x, self.y, &self.gradients);
                    }
                    Pass::Input => {
                        let operands = Operands { weights: self.weights, x: self.y, y: self.x, room: self.room };
                        conv_grad_input::record(rec, lanes, gradient, &params, &operands);
                    }
                }
            }
        }
    }

    /// It in each of some ways.
    pub fn recordings(&self, ways: &[Way]) -> Vec<Recording> {
        let of_way = |way: &Way| {
            let mut rec = Recording::new();
            self.record(&mut rec, *way);
            rec
        };
        ways.iter().map(of_way).collect()
    }

    /// Lanes, and samples of each.
    pub fn lanes(&self) -> (u32, u32) {
        (self.lanes.count, self.lanes.max_rows / self.lanes.sample_rows)
    }

    /// Operations of the pass.
    pub fn cost(&self) -> u64 {
        self.sizes.cost() * self.lanes.rows / u64::from(self.lanes.sample_rows)
    }

    /// What the pass computes.
    pub fn result(&self) -> Span {
        match self.pass {
            Pass::Forward | Pass::Perturbed => self.y,
            Pass::Weight => self.gradients.gradients,
            Pass::Input => self.x,
        }
    }

    /// Terms of the longest sum.
    pub fn terms(&self) -> u64 {
        let (input, _, weight, _) = lengths(self.sizes);
        match (self.sizes, self.pass) {
            (Sizes::Linear { inputs, outputs, .. }, pass) => match pass {
                Pass::Weight => u64::from(self.lanes.max_rows),
                Pass::Input => u64::from(outputs),
                Pass::Forward | Pass::Perturbed => u64::from(inputs),
            },
            (Sizes::Conv { output, .. }, Pass::Weight) => u64::from(self.lanes.max_rows * output[1] * output[2]),
            (Sizes::Conv { output, .. }, Pass::Input) => (weight / u64::from(output[0])).max(weight / input.max(1)),
            (Sizes::Conv { output, .. }, _) => weight / u64::from(output[0]),
        }
    }

    /// Gives the buffers back.
    pub fn release(self, device: &mut dyn Device) {
        for id in self.buffers {
            device.destroy_buffer(id);
        }
    }

    fn perturbed(&self) -> Option<Distribution> {
        (self.pass == Pass::Perturbed).then_some(Distribution::Rademacher)
    }
}

/// Values of a sample before and after, weights, and rows of a sample.
fn lengths(sizes: Sizes) -> (u64, u64, u64, u32) {
    match sizes {
        Sizes::Linear { inputs, outputs, rows } => (
            u64::from(inputs) * u64::from(rows),
            u64::from(outputs) * u64::from(rows),
            u64::from(inputs) * u64::from(outputs),
            rows,
        ),
        Sizes::Conv { input, output, kernel, .. } => {
            let values = |shape: [u32; 3]| shape.iter().map(|v| u64::from(*v)).product();
            let weights = u64::from(output[0]) * u64::from(input[0]) * u64::from(kernel * kernel);
            (values(input), values(output), weights, 1)
        }
    }
}

/// Samples of a lane and lanes, for about so many operations within so many bytes of activations.
pub fn size(sizes: Sizes, pass: Pass, operations: u64, bytes: u64) -> (u32, u32) {
    let (input, output, ..) = lengths(sizes);
    // Four clients' steps of 64 samples; or a probe's two signs.
    let (lanes, most) = if matches!(pass, Pass::Weight | Pass::Input) { (4, 64) } else { (2, 1024) };
    let by_cost = operations / (lanes * sizes.cost()).max(1);
    let by_bytes = bytes / (4 * lanes * input.max(output)).max(1);
    (lanes as u32, by_cost.min(by_bytes).clamp(1, most) as u32)
}
