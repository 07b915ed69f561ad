//! A step of each lane's own weights.

use super::lib::params::{Lane, Lanes};
use super::lib::scales::SCALED;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::shaders::QUADS;

/// Momentum.
const MOMENTUM: &str = "MOMENTUM";
/// Gradients are multiplied by a factor a lane.
const CLIPPED: &str = "CLIPPED";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("sgd", twin).with_defines(&[MOMENTUM, CLIPPED, SCALED, QUADS]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Weights.
        pub count: u32,
        /// Rate.
        pub lr: f32,
        /// What is kept of the velocity; ignored where there is none.
        pub momentum: f32,
    }
}

/// What a step may have beside the plain one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How much of the velocity is kept, and the lanes' velocities, which lie as their weights do.
    pub momentum: Option<(f32, Span)>,
    /// A factor a lane, f32, on its gradient.
    pub factors: Option<Span>,
    /// A factor of 0 means that the lane's step is skipped; its gradient may be anything then.
    pub skips: bool,
}

/// Records `w[base + i] -= lr * g[base + i]` for `count` weights of each lane, with `options`: see the shader.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    count: u32,
    lr: f32,
    weights: Span,
    gradients: Span,
    options: &Options,
) {
    let vectors = [Some(weights), Some(gradients), options.momentum.map(|(_, velocity)| velocity)];
    // A vector that is cut may end within a quad.
    let whole = |span: &Span| (span.offset | span.bytes).is_multiple_of(16);
    let on_quads = lanes.on_quads && vectors.iter().flatten().all(whole);
    let (mut variant, width) = if on_quads { (Variant::plain().define(QUADS), 4) } else { (Variant::plain(), 1) };
    let [x, y, _] = fold_grid(u64::from(count.div_ceil(width)), 64);
    let mut bound = vec![lanes.table, weights, gradients];
    if let Some((_, velocity)) = options.momentum {
        variant = variant.define(MOMENTUM);
        bound.push(velocity);
    }
    if let Some(factors) = options.factors {
        variant = variant.define(CLIPPED);
        bound.push(factors);
        if options.skips {
            variant = variant.define(SCALED);
        }
    }
    let params = Params { count, lr, momentum: options.momentum.map_or(0.0, |(momentum, _)| momentum) };
    let cost = 2 * u64::from(count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, variant, &params, &bound, lanes.grid(x, y), cost);
}

/// `w -= lr g` for each lane's weights, with what the defines add.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let has = |name| call.variant.defines().contains(&name);
    let (lanes, mut weights, gradients) = (call.read::<Lane>(1), call.write::<f32>(2), call.read::<f32>(3));
    let mut velocity = has(MOMENTUM).then(|| call.write::<f32>(4));
    let factors = has(CLIPPED).then(|| call.read::<f32>(if has(MOMENTUM) { 5 } else { 4 }));
    for (z, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        if has(SCALED) && factors.as_ref().is_some_and(|factors| factors[z] == 0.0) {
            continue;
        }
        let base = lane.weight_base as usize;
        for i in base..base + p.count as usize {
            let mut g = gradients[i];
            if let Some(factors) = &factors {
                g *= factors[z];
            }
            if let Some(velocity) = &mut velocity {
                g += p.momentum * velocity[i];
                velocity[i] = g;
            }
            weights[i] -= p.lr * g;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes, options): (u32, usize, [bool; 3])| {
        let [momentum, clipped, skips] = options;
        let with = [(momentum, " momentum"), (clipped, " clipped"), (skips, " skipped")];
        let with: String = with.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        // A product, a product and a sum, a product and a difference.
        let tolerance = rounding(2 + 2 * u32::from(momentum) + u32::from(clipped));
        Case::new(format!("sgd {count} weights {lanes} lanes{with}"), tolerance, move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let len = (lanes.count * stride) as usize;
            let weights = f.random("weights", len);
            let (mut gradients, mut factors) = (f.values(len), f.values(lanes.count as usize));
            if skips {
                gradients[..count as usize].fill(f32::NAN);
                factors[0] = 0.0;
            }
            let gradients = f.buffer("gradients", &gradients);
            let velocity = momentum.then(|| f.random("velocity", len));
            let factors = clipped.then(|| f.buffer("factors", &factors));
            let mut rec = Recording::new();
            let options = Options { momentum: velocity.map(|span| (0.9, span)), factors, skips };
            record(&mut rec, &lanes, count, 0.05, weights, gradients, &options);
            for span in [Some(weights), velocity].into_iter().flatten() {
                rec.read_back(span);
            }
            rec
        })
    };
    // The last one just above 65,535 workgroups, a weight a thread.
    let small = [[false; 3], [true, false, false], [false, true, false], [true, true, false], [true, true, true]];
    // Of 1001 weights rows begin on quads.
    let small = small.into_iter().flat_map(|options| [(1, 1, options), (1000, 3, options), (1001, 3, options)]);
    small.chain([(65_536 * 64 + 6, 1, [false; 3])]).map(case).collect()
}
