//! A pass of a product by itself, on made-up values: what is checked and timed.

use super::buffers::{Buffers, Lengths};
use crate::caps::Layout;
use crate::kernels::conv::{self, Geometry};
use crate::kernels::lib::halves::Halves;
use crate::kernels::params::{ABSENT, Lane, Lanes};
use crate::kernels::parts::Target;
use crate::kernels::tiling::{Gradient, Operands, Product, Tiling};
use crate::kernels::way::Way;
use crate::kernels::{
    attention, conv_grad_input, conv_grad_weight, convert, fill_values, linear, linear_grad_input, linear_grad_weight,
};
use crate::layers::{Pass, Sizes};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// A pass of a product with its part of the buffers.
pub struct Problem {
    sizes: Sizes,
    pass: Pass,
    layout: Layout,
    tiling: Tiling,
    lanes: Lanes,
    table: Vec<Lane>,
    at: Buffers,
}

/// Values that a pass of a product has in buffers, for `lanes` lanes of `samples` samples each.
pub fn needed(sizes: Sizes, pass: Pass, (lanes, samples): (u32, u32)) -> Lengths {
    let (input, output, weight, _) = lengths(sizes);
    let own = has_own(pass);
    let rows = u64::from(lanes * samples);
    let slots = if own { u64::from(lanes) } else { 1 };
    let weights = slots * stride(sizes);
    let (gradients, parts) =
        if pass == Pass::Weight { (weights, (weights * 64).min(16 << 20).max(weight)) } else { (0, 0) };
    // Weights and signs in the order of tiles: rows end on quads, and on words of 32.
    let padded = |columns: u64, to: u64| weight.div_ceil(columns.max(1)) * columns.next_multiple_of(to);
    let most = |to: u64| padded(u64::from(sizes.columns()), to).max(padded(u64::from(sizes.inputs()), to));
    // Attention keeps an f32 a query for its gradient.
    let kept = if let Sizes::Attention { tokens, heads, .. } = sizes { rows * u64::from(tokens * heads) } else { 0 };
    let room = (slots * most(4) + u64::from(lanes) * most(32) / 32 + 256).max(kept);
    // Or weights in f16, each lane's own, columns of whole 64 terms.
    let columns = u64::from(sizes.columns());
    let halves = u64::from(lanes) * columns * (weight / columns.max(1)).next_multiple_of(64) / 2;
    let (halves, room) = if has_halves(sizes, pass) { (rows * input / 2, room.max(halves)) } else { (0, room) };
    Lengths { weights, x: rows * input, y: rows * output, halves, gradients, parts, room, table: 8 * u64::from(lanes) }
}

/// Whether what a pass reads may be f16 in memory, as it is between products of f16.
fn has_halves(sizes: Sizes, pass: Pass) -> bool {
    let forward = matches!(pass, Pass::Forward | Pass::Perturbed);
    forward && !matches!(sizes, Sizes::Attention { .. }) && Halves::fit(sizes.inputs() as usize)
}

/// Whether lanes of a pass have weights of their own.
fn has_own(pass: Pass) -> bool {
    matches!(pass, Pass::Weight | Pass::Input)
}

/// From the weights of a lane to those of the next.
fn stride(sizes: Sizes) -> u64 {
    lengths(sizes).2.next_multiple_of(64)
}

impl Problem {
    /// `lanes` lanes of `samples` samples each, in buffers that have room for them; forward lanes share their weights, others have weights of
    /// their own.
    pub fn new(
        buffers: &Buffers,
        tiling: Tiling,
        (sizes, pass): (Sizes, Pass),
        layout: Layout,
        (lanes, samples): (u32, u32),
    ) -> Self {
        let sample_rows = lengths(sizes).3;
        let own = if has_own(pass) { stride(sizes) as u32 } else { 0 };
        let lane = |i: u32| {
            let row0 = i * samples * sample_rows;
            let (coef, rows) = (if i.is_multiple_of(2) { 0.01 } else { -0.01 }, samples * sample_rows);
            Lane {
                weight_base: i * own,
                seed_lo: i / 2,
                seed_hi: 7,
                coef,
                x_row: row0,
                row0,
                rows,
                out_row: i * samples,
            }
        };
        let table: Vec<Lane> = (0..lanes).map(lane).collect();
        let at = buffers.of(&needed(sizes, pass, (lanes, samples)));
        let lanes = Lanes::new(at.table, &table).of_tokens(sample_rows);
        Self { sizes, pass, layout, tiling, lanes, table, at }
    }

    /// Writes its lanes and made-up values: what another problem left is gone.
    pub fn fill(&self) -> Recording {
        let mut fill = Recording::new();
        fill.upload(self.at.table.buffer, 0, &self.table);
        for (span, seed) in [(self.at.weights, 1u64), (self.at.x, 2), (self.at.y, 3)] {
            fill_values::record(&mut fill, Distribution::Uniform, seed, 0, (span.bytes / 4) as u32, span.buffer);
        }
        if has_halves(self.sizes, self.pass) {
            let count = (2 * self.at.halves.bytes / 4) as u32;
            convert::to_halves(&mut fill, count / 8 * 8, self.at.x, self.at.halves);
        }
        if self.pass == Pass::Weight {
            // Between the lanes' gradients is room that nothing writes.
            fill.clear(self.at.gradients);
        }
        fill
    }

    /// The pass in a way.
    pub fn record(&self, rec: &mut Recording, way: Way) {
        let mut product = Product { way, ..Product::by_shuffles(self.tiling, self.perturbed()) };
        product.halves.x = matches!(way, Way::Matrix(_)) && way.takes_halves() && has_halves(self.sizes, self.pass);
        let gradient = Gradient { tiling: self.tiling, way };
        let Buffers { weights, x, y, room, gradients, parts, .. } = self.at;
        let target = Target { gradients, parts };
        let x = if product.halves.x { self.at.halves } else { x };
        let (lanes, io) = (&self.lanes, Operands { weights, x, y, room });
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
                    linear_grad_weight::record(rec, lanes, gradient, &params, x, y, &target);
                }
                Pass::Input => {
                    let params = linear_grad_input::Params { inputs, outputs, weight_offset: 0 };
                    linear_grad_input::record(rec, lanes, gradient, &params, weights, y, x);
                }
            },
            Sizes::Attention { tokens, heads, dim } => {
                let params = attention::Params { tokens, heads, dim };
                attention::record(rec, lanes, way, &params, x, y, room);
            }
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
                        conv_grad_weight::record(rec, lanes, gradient, &params, x, y, &target);
                    }
                    Pass::Input => {
                        let operands = Operands { weights, x: y, y: x, room };
                        conv_grad_input::record(rec, lanes, gradient, &params, &operands);
                    }
                }
            }
        }
    }

    /// It in a way by itself.
    pub fn recording(&self, way: Way) -> Recording {
        let mut rec = Recording::new();
        self.record(&mut rec, way);
        rec
    }

    /// It in a way, and what is looked at of what it computes: both ends of it, where more than a few hundred KB would have to come back.
    pub fn checked(&self, way: Way) -> Recording {
        const END: u64 = 256 << 10;
        let mut rec = self.recording(way);
        let all = self.result();
        if all.bytes <= 2 * END {
            rec.read_back(all);
        } else {
            rec.read_back(Span { bytes: END, ..all });
            rec.read_back(Span { bytes: END, offset: all.offset + all.bytes - END, ..all });
        }
        rec
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
    fn result(&self) -> Span {
        match self.pass {
            Pass::Forward | Pass::Perturbed => self.at.y,
            Pass::Weight => self.at.gradients,
            Pass::Input => self.at.x,
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
            // Of a score, whose error its exponential multiplies by at most 4, and of values.
            (Sizes::Attention { tokens, heads, dim }, _) => u64::from(tokens + 16 * (dim / heads)),
            (Sizes::Conv { output, .. }, Pass::Weight) => u64::from(self.lanes.max_rows * output[1] * output[2]),
            (Sizes::Conv { output, .. }, Pass::Input) => (weight / u64::from(output[0])).max(weight / input.max(1)),
            (Sizes::Conv { output, .. }, _) => weight / u64::from(output[0]),
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
        Sizes::Attention { tokens, dim, .. } => {
            let values = u64::from(tokens) * u64::from(dim);
            (3 * values, values, 1, 1)
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
