//! Gradients of single layers, from their CPU twins, against central differences: norms, layer norm, attention, token embeddings.

use zowarmup::caps::Layout;
use zowarmup::device::ReferenceDevice;
use zowarmup::device::{Device, as_f32};
use zowarmup::kernels::lib::halves::Halves;
use zowarmup::kernels::norm::{self, Spans, Statistics};
use zowarmup::kernels::params::{Lane, Lanes};
use zowarmup::kernels::parts::Target;
use zowarmup::kernels::way::Way;
use zowarmup::kernels::{
    attention, attention_grad, class_token, class_token_grad, layer_norm, layer_norm_grad, layer_norm_grad_params,
    tokens, tokens_grad, tokens_grad_params,
};
use zowarmup::recording::{Recording, Span};

/// Samples of the one lane.
const ROWS: u32 = 5;

/// A layer on the twins: inputs and weights, the output and a random slope of it.
struct Layer {
    device: ReferenceDevice,
    state: u64,
    lanes: Lanes,
}

impl Layer {
    fn new(rows: u32) -> Self {
        let mut device = ReferenceDevice::new(None);
        let lane = [Lane { rows, ..Lane::default() }];
        let table = Span::of(device.create_buffer("lanes", 32).unwrap(), 32);
        let mut rec = Recording::new();
        rec.upload(table.buffer, 0, &lane);
        device.run(&rec).unwrap();
        Self { device, state: 11, lanes: Lanes::new(table, &lane) }
    }

    fn random(&mut self) -> f32 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.state >> 40) as f32) / 8_388_608.0 - 1.0
    }

    /// A buffer of random values.
    fn buffer(&mut self, words: u32) -> Span {
        let span = Span::of(self.device.create_buffer("buffer", u64::from(words) * 4).unwrap(), u64::from(words) * 4);
        let values: Vec<f32> = (0..words).map(|_| self.random()).collect();
        self.write(span, &values);
        span
    }

    fn write(&mut self, span: Span, values: &[f32]) {
        let mut rec = Recording::new();
        rec.upload(span.buffer, span.offset, values);
        self.device.run(&rec).unwrap();
    }

    fn read(&mut self, span: Span) -> Vec<f32> {
        let mut rec = Recording::new();
        rec.read_back(span);
        as_f32(&self.device.run(&rec).unwrap()[0])
    }

    /// Runs forward and backward pass and compares, for each (input, its gradient), the slopes of sum(y * dy) along random directions.
    fn check(
        &mut self,
        name: &str,
        forward: &Recording,
        backward: &Recording,
        [y, dy]: [Span; 2],
        pairs: &[[Span; 2]],
    ) {
        self.device.run(forward).unwrap();
        self.device.run(backward).unwrap();
        let dy = self.read(dy);
        for (i, &[input, gradient]) in pairs.iter().enumerate() {
            let (values, gradient) = (self.read(input), self.read(gradient));
            let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            assert!(norm > 1e-3, "{name} {i}: {norm}");
            for along in 0..4 {
                let mut v: Vec<f64> = gradient.iter().map(|_| f64::from(self.random())).collect();
                if along == 0 {
                    v = gradient.iter().map(|&g| f64::from(g)).collect();
                }
                let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                let h = 1e-2;
                let mut shifted = |sign: f64| {
                    let moved = values.iter().zip(&v).map(|(&x, v)| (f64::from(x) + sign * h * v / length) as f32);
                    self.write(input, &moved.collect::<Vec<f32>>());
                    self.device.run(forward).unwrap();
                    let products = self.read(y).into_iter().zip(&dy).map(|(y, &g)| f64::from(y) * f64::from(g));
                    products.sum::<f64>()
                };
                let slope = (shifted(1.0) - shifted(-1.0)) / (2.0 * h);
                self.write(input, &values);
                let expected: f64 = gradient.iter().zip(&v).map(|(&g, v)| f64::from(g) * v / length).sum();
                // Hundreds of outputs, each known to 1e-7, over 2 h; the third derivative's part is h^2 of the slope's own size.
                let error = (slope - expected).abs();
                assert!(error < 2e-3 + 2e-3 * norm, "{name} {i}: {slope} against {expected} of {norm}");
            }
        }
    }
}

#[test]
fn norms_over_images() {
    for kind in [Statistics::Group, Statistics::Batch, Statistics::Running] {
        let mut l = Layer::new(ROWS);
        let (channels, spatial) = (4, 9);
        let groups = if kind == Statistics::Group { 2 } else { 1 };
        let params = norm::Params {
            layout: Layout::ChannelsFirst,
            sizes: norm::Uniforms {
                channels,
                groups,
                spatial,
                scale_offset: 0,
                bias_offset: 4,
                mean_offset: 8,
                variance_offset: 12,
                relu: 0,
                accumulate: 0,
            },
        };
        let count = ROWS * channels * spatial;
        let [x, y, dy, dx] = [count; 4].map(|n| l.buffer(n));
        let (weights, gradients) = (l.buffer(16), l.buffer(16));
        l.write(weights, &[0.5, -0.7, 1.2, 0.9, 0.1, 0.2, -0.3, 0.4, 0.1, -0.1, 0.2, 0.0, 1.0, 0.5, 2.0, 0.7]);
        let kept =
            Spans { stats: l.buffer(100), coefficients: l.buffer(100), moments: l.buffer(100), parts: l.buffer(100) };
        let (mut forward, mut backward) = (Recording::new(), Recording::new());
        norm::record_statistics(&mut forward, &l.lanes, kind, None, &params, weights, weights, x, &kept);
        norm::record_apply(&mut forward, &l.lanes, kind, &params, x, kept.coefficients, None, y, Halves::default());
        let (stats, target) = (kept.stats, Target { gradients, parts: l.buffer(16) });
        norm::record_grad_params(&mut backward, &l.lanes, kind, &params, x, dy, stats, &target);
        norm::record_grad(&mut backward, &l.lanes, kind, &params, weights, x, dy, stats, gradients, dx);
        let part = |span: Span| Span { bytes: 32, ..span };
        let pairs = [[x, dx], [part(weights), part(gradients)]];
        l.check(&format!("{kind:?}"), &forward, &backward, [y, dy], &pairs);
    }
}

#[test]
fn layer_norm_of_tokens() {
    let mut l = Layer::new(3 * ROWS);
    let params = layer_norm::Params { dim: 7, scale_offset: 0, bias_offset: 7, accumulate: 0 };
    let [x, y, dy, dx] = [3 * ROWS * 7; 4].map(|n| l.buffer(n));
    let (weights, gradients, stats) = (l.buffer(14), l.buffer(14), l.buffer(6 * ROWS));
    let target = Target { gradients, parts: l.buffer(14) };
    let (mut forward, mut backward) = (Recording::new(), Recording::new());
    layer_norm::record(&mut forward, &l.lanes, None, &params, weights, x, y, stats);
    layer_norm_grad::record(&mut backward, &l.lanes, &params, weights, x, dy, stats, dx);
    layer_norm_grad_params::record(&mut backward, &l.lanes, &params, x, dy, stats, &target);
    l.check("layer norm", &forward, &backward, [y, dy], &[[x, dx], [weights, gradients]]);
}

#[test]
fn attention_of_heads() {
    let mut l = Layer::new(ROWS);
    let params = attention::Params { tokens: 6, heads: 2, dim: 10 };
    let count = ROWS * 60;
    let (qkv, dqkv) = (l.buffer(3 * count), l.buffer(3 * count));
    let (y, dy, lse) = (l.buffer(count), l.buffer(count), l.buffer(ROWS * 12));
    let (mut forward, mut backward) = (Recording::new(), Recording::new());
    attention::record(&mut forward, &l.lanes, Way::Shuffle, &params, qkv, y, lse);
    attention_grad::record(&mut backward, &l.lanes, &params, qkv, y, lse, dy, dqkv);
    l.check("attention", &forward, &backward, [y, dy], &[[qkv, dqkv]]);
}

#[test]
fn token_embeddings() {
    let mut l = Layer::new(ROWS);
    let params = tokens::Params { dim: 3, patches: 4, class_offset: 0, position_offset: 3, accumulate: 0 };
    let (x, dx, weights, gradients) = (l.buffer(ROWS * 12), l.buffer(ROWS * 12), l.buffer(18), l.buffer(18));
    let [embedded, slopes, class_slopes] = [ROWS * 15; 3].map(|n| l.buffer(n));
    let (y, dy) = (l.buffer(ROWS * 3), l.buffer(ROWS * 3));
    let (mut forward, mut backward) = (Recording::new(), Recording::new());
    tokens::record(&mut forward, &l.lanes, None, Layout::ChannelsFirst, &params, weights, x, embedded);
    tokens_grad::record(&mut backward, &l.lanes, Layout::ChannelsFirst, &params, slopes, dx);
    tokens_grad_params::record(&mut backward, &l.lanes, &params, slopes, gradients);
    l.check("tokens", &forward, &backward, [embedded, slopes], &[[x, dx], [weights, gradients]]);
    // The class token alone, out of any tokens.
    let (mut forward, mut backward) = (Recording::new(), Recording::new());
    class_token::record(&mut forward, &l.lanes, 5, 3, embedded, y);
    class_token_grad::record(&mut backward, &l.lanes, 5, 3, dy, class_slopes);
    l.check("class token", &forward, &backward, [y, dy], &[[embedded, class_slopes]]);
}
