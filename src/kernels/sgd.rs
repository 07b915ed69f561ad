//! A step of each lane's own weights.

use super::lib::params::{Lane, Lanes};
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// Momentum.
const MOMENTUM: &str = "MOMENTUM";
/// Gradients are multiplied by a factor a lane.
const CLIPPED: &str = "CLIPPED";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("sgd", twin).with_defines(&[MOMENTUM, CLIPPED]);

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
    let [x, y, _] = fold_grid(u64::from(count), 64);
    let (mut variant, mut bound) = (Variant::plain(), vec![lanes.table, weights, gradients]);
    if let Some((_, velocity)) = options.momentum {
        variant = variant.define(MOMENTUM);
        bound.push(velocity);
    }
    if let Some(factors) = options.factors {
        variant = variant.define(CLIPPED);
        bound.push(factors);
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
    let case = |(count, lanes, options): (u32, usize, [bool; 2])| {
        let [momentum, clipped] = options;
        let with = [(momentum, " momentum"), (clipped, " clipped")];
        let with: String = with.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        // A product, a product and a sum, a product and a difference.
        let tolerance = rounding(2 + 2 * u32::from(momentum) + u32::from(clipped));
        Case::new(format!("sgd {count} weights {lanes} lanes{with}"), tolerance, move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let len = (lanes.count * stride) as usize;
            let (weights, gradients) = (f.random("weights", len), f.random("gradients", len));
            let velocity = momentum.then(|| f.random("velocity", len));
            let factors = clipped.then(|| f.random("factors", lanes.count as usize));
            let mut rec = Recording::new();
            let options = Options { momentum: velocity.map(|span| (0.9, span)), factors };
            record(&mut rec, &lanes, count, 0.05, weights, gradients, &options);
            for span in [Some(weights), velocity].into_iter().flatten() {
                rec.read_back(span);
            }
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    let small = [[false, false], [true, false], [false, true], [true, true]];
    let small = small.into_iter().flat_map(|options| [(1, 1, options), (1000, 3, options)]);
    small.chain([(65_536 * 64 + 5, 1, [false, false])]).map(case).collect()
}
