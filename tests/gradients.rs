//! Gradients of a small chain of layers, assembled from the CPU twins, against central differences of its loss; and the invariances
//! that sums over samples promise.

use zowarmup::caps::Layout;
use zowarmup::device::ReferenceDevice;
use zowarmup::device::{Device, as_f32};
use zowarmup::kernels::activation::{self, Function};
use zowarmup::kernels::lib::halves::Halves;
use zowarmup::kernels::norm::{self, Spans, Statistics};
use zowarmup::kernels::params::{ABSENT, Lane, Lanes};
use zowarmup::kernels::parts::Target;
use zowarmup::kernels::pool::{self, Mode};
use zowarmup::kernels::tiling::{Gradient, Operands, Product, Tiling};
use zowarmup::kernels::{
    activation_grad, bias_grad, conv, conv_grad_input, conv_grad_weight, layer_norm, layer_norm_grad_params, linear,
    linear_grad_input, linear_grad_weight, pool_grad, softmax_xent, softmax_xent_grad,
};
use zowarmup::recording::{Recording, Span};

/// Flat offsets of the chain's tensors: convolution (2 to 4 channels, 3x3), group norm, convolution (4 to 3, 3x3, stride 2, without
/// bias), linear 12 to 5, linear 5 to 3.
const TENSORS: [(&str, u32, u32); 9] = [
    ("conv0.weight", 0, 72),
    ("conv0.bias", 72, 4),
    ("norm.weight", 76, 4),
    ("norm.bias", 80, 4),
    ("conv1.weight", 84, 108),
    ("fc0.weight", 192, 60),
    ("fc0.bias", 252, 5),
    ("fc1.weight", 257, 15),
    ("fc1.bias", 272, 3),
];
const COUNT: u32 = 275;
const ROWS: [u32; 2] = [11, 4];
const TOTAL: u32 = 15;
const HOW: Product = Product::by_shuffles(Tiling::CORE, None);

struct Chain {
    device: ReferenceDevice,
    layout: Layout,
    lanes: Lanes,
    table: Vec<Lane>,
    x: Span,
    labels: Span,
    /// Outputs of the layers.
    acts: Vec<Span>,
    /// Their gradients.
    grads: Vec<Span>,
    kept: Spans,
    loss: Span,
    correct: Span,
    weights: Span,
    target: Target,
}

fn random(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    ((*state >> 40) as f32) / 8_388_608.0 - 1.0
}

impl Chain {
    fn new(state: &mut u64, layout: Layout) -> Self {
        let mut device = ReferenceDevice::new(None);
        let mut setup = Recording::new();
        let mut make =
            |words: u32| Span::of(device.create_buffer("buffer", u64::from(words) * 4).unwrap(), u64::from(words) * 4);
        // conv0 4x7x7, norm, gelu, pool 4x3x3, conv1 3x2x2, relu, fc0 5, tanh, fc1 3
        let sizes = [196, 196, 196, 36, 12, 12, 5, 5, 3];
        let acts: Vec<Span> = sizes.iter().map(|s| make(s * TOTAL)).collect();
        let grads: Vec<Span> = sizes.iter().map(|s| make(s * TOTAL)).collect();
        let (x, labels) = (make(98 * TOTAL), make(TOTAL));
        let kept = Spans { stats: make(4 * TOTAL), coefficients: make(8 * TOTAL), moments: make(1), parts: make(1) };
        let (loss, correct, lane_table) = (make(TOTAL), make(TOTAL), make(16));
        let (weights, target) = (make(2 * COUNT), Target { gradients: make(2 * COUNT), parts: make(COUNT) });
        // Rows of the batch and of losses lie the other way round.
        let table: Vec<Lane> = [(0, 4), (11, 0)]
            .iter()
            .zip(ROWS)
            .enumerate()
            .map(|(i, (&(row0, x_row), rows))| Lane {
                weight_base: i as u32 * COUNT,
                coef: 1.0 / rows as f32,
                x_row,
                row0,
                rows,
                out_row: x_row,
                ..Lane::default()
            })
            .collect();
        setup.upload(lane_table.buffer, 0, &table);
        let values: Vec<f32> = (0..98 * TOTAL).map(|_| random(state)).collect();
        setup.upload(x.buffer, 0, &values);
        let classes: Vec<u32> = (0..TOTAL).map(|i| i % 3).collect();
        setup.upload(labels.buffer, 0, &classes);
        device.run(&setup).unwrap();
        let lanes = Lanes::new(lane_table, &table);
        Self { device, layout, lanes, table, x, labels, acts, grads, kept, loss, correct, weights, target }
    }

    fn conv0(&self) -> conv_grad_weight::Params {
        conv_grad_weight::Params {
            c: 2,
            h: 7,
            w: 7,
            out_c: 4,
            out_h: 7,
            out_w: 7,
            kernel: 3,
            stride: 1,
            padding: 1,
            layout: self.layout,
            weight_offset: 0,
            from_batch: 1,
            accumulate: 0,
        }
    }

    fn conv1(&self) -> conv_grad_weight::Params {
        conv_grad_weight::Params {
            c: 4,
            h: 3,
            w: 3,
            out_c: 3,
            out_h: 2,
            out_w: 2,
            stride: 2,
            weight_offset: 84,
            from_batch: 0,
            ..self.conv0()
        }
    }

    fn pool(&self) -> pool::Params {
        pool::Params::square(TOTAL * 4, 7, 7, 2, 2).laid_out(self.layout, 4)
    }

    fn norm(&self) -> norm::Params {
        norm::Params {
            layout: self.layout,
            sizes: norm::Uniforms {
                channels: 4,
                groups: 2,
                spatial: 49,
                scale_offset: 76,
                bias_offset: 80,
                mean_offset: 0,
                variance_offset: 0,
                relu: 0,
                accumulate: 0,
            },
        }
    }

    fn record_conv(&self, rec: &mut Recording, p: &conv_grad_weight::Params, bias_offset: u32, x: Span, y: Span) {
        let params = conv::Params { weight_offset: p.weight_offset, bias_offset, from_batch: p.from_batch, relu: 0 };
        let geometry = conv::Geometry {
            input: [p.c, p.h, p.w],
            output: [p.out_c, p.out_h, p.out_w],
            kernel: p.kernel,
            stride: p.stride,
            padding: p.padding,
            layout: p.layout,
        };
        conv::record(rec, &self.lanes, &HOW, &geometry, &params, &Operands::by_shuffles(self.weights, x, y), None);
    }

    fn record_linear(&self, rec: &mut Recording, inputs: u32, outputs: u32, weight_offset: u32, x: Span, y: Span) {
        let bias_offset = weight_offset + inputs * outputs;
        let params = linear::Params { inputs, outputs, weight_offset, bias_offset, from_batch: 0, activation: 0 };
        linear::record(rec, &self.lanes, &HOW, &params, &Operands::by_shuffles(self.weights, x, y), None);
    }

    fn forward(&self, weights: &[f32]) -> Recording {
        let a = &self.acts;
        let mut rec = Recording::new();
        rec.upload(self.weights.buffer, 0, weights);
        self.record_conv(&mut rec, &self.conv0(), 72, self.x, a[0]);
        let (norm, kind) = (self.norm(), Statistics::Group);
        norm::record_statistics(&mut rec, &self.lanes, kind, None, &norm, self.weights, self.weights, a[0], &self.kept);
        norm::record_apply(
            &mut rec,
            &self.lanes,
            kind,
            &norm,
            a[0],
            self.kept.coefficients,
            None,
            a[1],
            Halves::default(),
        );
        activation::record(&mut rec, Function::Gelu, TOTAL * 196, a[1], a[2]);
        pool::record(&mut rec, Mode::Max, &self.pool(), a[2], a[3]);
        self.record_conv(&mut rec, &self.conv1(), ABSENT, a[3], a[4]);
        activation::record(&mut rec, Function::Relu, TOTAL * 12, a[4], a[5]);
        self.record_linear(&mut rec, 12, 5, 192, a[5], a[6]);
        activation::record(&mut rec, Function::Tanh, TOTAL * 5, a[6], a[7]);
        self.record_linear(&mut rec, 5, 3, 257, a[7], a[8]);
        softmax_xent::record(&mut rec, &self.lanes, &self.scored(), self.loss, self.correct);
        rec.read_back(self.loss);
        rec
    }

    fn scored(&self) -> softmax_xent::Scored {
        softmax_xent::Scored { classes: 3, logits: self.acts[8], labels: self.labels, held: None, threads: 64 }
    }

    fn backward(&self) -> Recording {
        let (a, g, lanes) = (&self.acts, &self.grads, &self.lanes);
        let mut rec = Recording::new();
        softmax_xent_grad::record(&mut rec, lanes, &self.scored(), None, g[8]);
        self.linear_back(&mut rec, (5, 3, 257), a[7], g[8], g[7]);
        activation_grad::record(&mut rec, Function::Tanh, TOTAL * 5, a[7], g[7], g[6]);
        self.linear_back(&mut rec, (12, 5, 192), a[5], g[6], g[5]);
        activation_grad::record(&mut rec, Function::Relu, TOTAL * 12, a[5], g[5], g[4]);
        let how = Gradient::by_shuffles(HOW.tiling);
        conv_grad_weight::record(&mut rec, lanes, how, &self.conv1(), a[3], g[4], &self.target);
        conv_grad_input::record(&mut rec, lanes, how, &self.conv1(), &Operands::by_shuffles(self.weights, g[4], g[3]));
        pool_grad::record(&mut rec, Mode::Max, &self.pool(), a[2], g[3], g[2]);
        activation_grad::record(&mut rec, Function::Gelu, TOTAL * 196, a[1], g[2], g[1]);
        let (norm, kind, stats) = (self.norm(), Statistics::Group, self.kept.stats);
        norm::record_grad_params(&mut rec, lanes, kind, &norm, a[0], g[1], stats, &self.target);
        norm::record_grad(&mut rec, lanes, kind, &norm, self.weights, a[0], g[1], stats, self.target.gradients, g[0]);
        conv_grad_weight::record(&mut rec, lanes, how, &self.conv0(), self.x, g[0], &self.target);
        let bias = bias_grad::Params { outputs: 4, spatial: 49, layout: self.layout, bias_offset: 72, accumulate: 0 };
        bias_grad::record(&mut rec, lanes, &bias, g[0], &self.target);
        rec.read_back(self.target.gradients);
        rec
    }

    fn linear_back(&self, rec: &mut Recording, layer: (u32, u32, u32), x: Span, dy: Span, dx: Span) {
        let (inputs, outputs, weight_offset) = layer;
        let lanes = &self.lanes;
        let weight = linear_grad_weight::Params { inputs, outputs, weight_offset, from_batch: 0, accumulate: 0 };
        linear_grad_weight::record(rec, lanes, Gradient::by_shuffles(HOW.tiling), &weight, x, dy, &self.target);
        let bias_offset = weight_offset + inputs * outputs;
        let bias = bias_grad::Params { outputs, spatial: 1, layout: self.layout, bias_offset, accumulate: 0 };
        bias_grad::record(rec, lanes, &bias, dy, &self.target);
        let input = linear_grad_input::Params { inputs, outputs, weight_offset };
        linear_grad_input::record(rec, lanes, Gradient::by_shuffles(HOW.tiling), &input, self.weights, dy, dx);
    }

    /// Mean loss of each lane.
    fn loss(&mut self, weights: &[f32]) -> Vec<f64> {
        let rec = self.forward(weights);
        let loss = as_f32(&self.device.run(&rec).unwrap()[0]);
        let mean = |l: &Lane| {
            let rows = &loss[l.out_row as usize..][..l.rows as usize];
            rows.iter().map(|&v| f64::from(v)).sum::<f64>() / f64::from(l.rows)
        };
        self.table.iter().map(mean).collect()
    }
}

#[test]
fn gradients_of_a_chain_agree_with_central_differences() {
    Layout::ALL.into_iter().for_each(agree_with_central_differences);
}

fn agree_with_central_differences(layout: Layout) {
    let mut state = 7;
    let mut chain = Chain::new(&mut state, layout);
    let mut weights: Vec<f32> = (0..2 * COUNT).map(|_| random(&mut state) * 0.5).collect();
    for lane in 0..2 {
        weights[(lane * COUNT + 76) as usize..][..4].iter_mut().for_each(|w| *w += 1.0);
    }
    let (forward, backward) = (chain.forward(&weights), chain.backward());
    chain.device.run(&forward).unwrap();
    let gradients = as_f32(&chain.device.run(&backward).unwrap()[0]);
    for lane in 0..2usize {
        for (name, offset, count) in TENSORS {
            let range = lane * COUNT as usize + offset as usize..lane * COUNT as usize + (offset + count) as usize;
            let gradient = &gradients[range.clone()];
            let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            assert!(norm > 1e-4, "{name}: {norm}");
            // The slope along the gradient is its norm; along other directions, its products with them.
            for direction in 0..4 {
                let v: Vec<f64> = match direction {
                    0 => gradient.iter().map(|&g| f64::from(g) / norm).collect(),
                    _ => {
                        let raw: Vec<f64> = gradient.iter().map(|_| f64::from(random(&mut state))).collect();
                        let length = raw.iter().map(|x| x * x).sum::<f64>().sqrt();
                        raw.into_iter().map(|x| x / length).collect()
                    }
                };
                let h = 1e-3;
                let mut shifted = |sign: f64| {
                    let mut w = weights.clone();
                    for (w, v) in w[range.clone()].iter_mut().zip(&v) {
                        *w = (f64::from(*w) + sign * h * v) as f32;
                    }
                    chain.loss(&w)[lane]
                };
                let slope = (shifted(1.0) - shifted(-1.0)) / (2.0 * h);
                let expected: f64 = gradient.iter().zip(&v).map(|(&g, v)| f64::from(g) * v).sum();
                // The loss is known to about 2e-7, hence the slope to 2e-7 / (2 h) = 1e-4; kinks of relu within h of the weights would
                // show as errors of the slope's own size, and there are none.
                let error = (slope - expected).abs();
                assert!(error < 1e-4 + 1e-3 * norm, "{name}, lane {lane}: {slope} against {expected} of {norm}");
            }
        }
    }
}

/// A buffer of random values.
fn filled(device: &mut ReferenceDevice, state: &mut u64, words: u32, rec: &mut Recording) -> Span {
    let span = Span::of(device.create_buffer("buffer", u64::from(words) * 4).unwrap(), u64::from(words) * 4);
    let values: Vec<f32> = (0..words).map(|_| random(state)).collect();
    rec.upload(span.buffer, 0, &values);
    span
}

/// Sizes of layers whose gradients are summed: rows of a sample, features, pixels along a side.
#[derive(Clone, Copy)]
struct Sizes {
    tokens: u32,
    inputs: u32,
    outputs: u32,
    side: u32,
}

impl Sizes {
    fn pixels(&self) -> u32 {
        self.side * self.side
    }

    /// f32 of all gradients.
    fn gradients(&self) -> u32 {
        let Self { inputs, outputs, .. } = *self;
        inputs * outputs + 2 * outputs + 2 * inputs + 2 * inputs + 9 * inputs * outputs
    }
}

/// Gradients of every kind that is a sum over samples, of 29 samples as the given pieces, with room for so many f32 of parts at once. Also
/// how many launches that took.
fn summed(layout: Layout, sizes: Sizes, pieces: &[u32], room: u32) -> (Vec<u8>, usize) {
    let Sizes { tokens, inputs, outputs, side } = sizes;
    let mut device = ReferenceDevice::new(None);
    let (mut state, mut rec) = (3, Recording::new());
    let samples = pieces.iter().sum::<u32>();
    let widest = (tokens * inputs.max(outputs)).max(inputs.max(outputs) * sizes.pixels());
    let [x, dy, stats] =
        [widest, widest, 2 * tokens].map(|words| filled(&mut device, &mut state, samples * words, &mut rec));
    let [gradients, parts] = [sizes.gradients(), room].map(|words| filled(&mut device, &mut state, words, &mut rec));
    let target = Target { gradients, parts };
    let mut row = 0;
    for (i, &rows) in pieces.iter().enumerate() {
        let accumulate = u32::from(i > 0);
        let mut lanes = |factor: u32| {
            let [row, rows] = [row, rows].map(|n| n * factor);
            let lane = [Lane { row0: row, x_row: row, rows, ..Lane::default() }];
            let table = filled(&mut device, &mut state, 8, &mut rec);
            rec.upload(table.buffer, 0, &lane);
            Lanes::new(table, &lane).of_tokens(factor)
        };
        let (lanes, of_tokens) = (lanes(1), lanes(tokens));
        row += rows;
        let mut next = 0;
        let mut at = |words: u32| {
            next += words;
            next - words
        };
        let weight_offset = at(inputs * outputs);
        let weight =
            linear_grad_weight::Params { inputs, outputs, weight_offset, from_batch: i as u32 % 2, accumulate };
        linear_grad_weight::record(&mut rec, &of_tokens, Gradient::by_shuffles(HOW.tiling), &weight, x, dy, &target);
        for (spatial, lanes) in [(1, &of_tokens), (sizes.pixels(), &lanes)] {
            let bias = bias_grad::Params { outputs, spatial, layout, bias_offset: at(outputs), accumulate };
            bias_grad::record(&mut rec, lanes, &bias, dy, &target);
        }
        let norm = norm::Params {
            layout,
            sizes: norm::Uniforms {
                channels: inputs,
                groups: 1,
                spatial: sizes.pixels(),
                scale_offset: at(inputs),
                bias_offset: at(inputs),
                mean_offset: 0,
                variance_offset: 0,
                relu: 0,
                accumulate,
            },
        };
        norm::record_grad_params(&mut rec, &lanes, Statistics::Group, &norm, x, dy, stats, &target);
        let (scale_offset, bias_offset) = (at(inputs), at(inputs));
        let norm = layer_norm::Params { dim: inputs, scale_offset, bias_offset, accumulate };
        layer_norm_grad_params::record(&mut rec, &of_tokens, &norm, x, dy, stats, &target);
        let layer = conv_grad_weight::Params {
            c: inputs,
            h: side,
            w: side,
            out_c: outputs,
            out_h: side,
            out_w: side,
            kernel: 3,
            stride: 1,
            padding: 1,
            layout,
            weight_offset: at(9 * inputs * outputs),
            from_batch: i as u32 % 2,
            accumulate,
        };
        conv_grad_weight::record(&mut rec, &lanes, Gradient::by_shuffles(HOW.tiling), &layer, x, dy, &target);
        assert_eq!(at(0), sizes.gradients());
    }
    rec.read_back(gradients);
    let launches = rec.dispatches();
    (device.run(&rec).unwrap().remove(0), launches)
}

/// A lane cut between blocks of samples, each piece going on from the one before, gives the bits of the whole, and so do parts of long sums
/// however many the room holds at once.
#[test]
fn no_cut_of_rows_or_room_changes_a_bit() {
    // Short sums, six kinds; those that are split, of which a block's last part is the shorter one.
    let short = Sizes { tokens: 3, inputs: 2, outputs: 3, side: 5 };
    let long = Sizes { tokens: 67, inputs: 3, outputs: 2, side: 19 };
    let each = [(short, false), (long, true)].into_iter().flat_map(|of| Layout::ALL.map(|layout| (of, layout)));
    for ((sizes, split), layout) in each {
        let largest = 9 * sizes.inputs * sizes.outputs;
        let (whole, launches) = summed(layout, sizes, &[29], 100 * largest);
        assert_eq!(launches, if split { 12 } else { 6 });
        for (pieces, room) in
            [(&[16, 13][..], 100 * largest), (&[8, 8, 8, 5], 3 * largest), (&[29], largest), (&[29], 5 * largest)]
        {
            let (cut, launches) = summed(layout, sizes, pieces, room);
            assert!(whole == cut, "{pieces:?} in {room}");
            assert!(!split || launches > 12 * pieces.len() || room > 5 * largest, "{launches} launches");
        }
    }
}
