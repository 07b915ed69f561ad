//! A server's step with moments, element by element.

use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// There is a first moment.
const FIRST: &str = "FIRST";
/// There is a second moment.
const SECOND: &str = "SECOND";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("optimizer_step", twin).with_defines(&[FIRST, SECOND]);

params! {
    /// The uniform block. What belongs to a moment that isn't there is ignored.
    pub struct Params {
        /// Elements.
        pub count: u32,
        /// Those before this one are parameters; the rest are running statistics, which move by the step as it is.
        pub parameters: u32,
        /// Rate.
        pub lr: f32,
        /// Keeps the divisor from 0.
        pub epsilon: f32,
        /// What is kept of the first moment.
        pub beta1: f32,
        /// What of the step is added to it.
        pub rest1: f32,
        /// Factor on it in the step.
        pub correct1: f32,
        /// What is kept of the second moment.
        pub beta2: f32,
        /// What of the step's square is added to it.
        pub rest2: f32,
        /// Factor on it in the step.
        pub correct2: f32,
    }
}

/// The storage bindings.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// What is to be added, f32.
    pub step: Span,
    /// Weights.
    pub weights: Span,
    /// The first moment, where there is one.
    pub first: Option<Span>,
    /// The second.
    pub second: Option<Span>,
}

/// Records a step; the moments that are there decide on the formula (see the shader).
pub fn record(rec: &mut Recording, params: &Params, buffers: &Buffers) {
    let mut variant = Variant::plain();
    let mut bound = vec![buffers.step, buffers.weights];
    for (moment, name) in [(buffers.first, FIRST), (buffers.second, SECOND)] {
        if let Some(moment) = moment {
            variant = variant.define(name);
            bound.push(moment);
        }
    }
    let items = u64::from(params.count);
    rec.dispatch(&KERNEL, variant, params, &bound, fold_grid(items, 64), 12 * items);
}

/// The formula of the moments that are there.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let has = |name| call.variant.defines().contains(&name);
    let (step, mut weights) = (call.read::<f32>(1), call.write::<f32>(2));
    let mut first = has(FIRST).then(|| call.write::<f32>(3));
    let mut second = has(SECOND).then(|| call.write::<f32>(if has(FIRST) { 4 } else { 3 }));
    for (i, w) in weights[..p.count as usize].iter_mut().enumerate() {
        let d = step[i];
        if i >= p.parameters as usize {
            *w += d;
            continue;
        }
        let mut direction = d;
        if let Some(m) = &mut first {
            m[i] = p.beta1 * m[i] + p.rest1 * d;
            direction = m[i];
        }
        if let Some(v) = &mut second {
            v[i] = p.beta2 * v[i] + p.rest2 * (d * d);
            direction = if first.is_some() {
                direction * p.correct1 / ((v[i] * p.correct2).sqrt() + p.epsilon)
            } else {
                direction / (v[i] + p.epsilon).sqrt()
            };
        }
        *w += p.lr * direction;
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, first, second): (u32, bool, bool)| {
        // At most three roundings of a moment, then a product, a root of 4 ulp in all, a sum, a quotient of 2.5 ulp, a product, a sum.
        let tolerance = rounding(3 + 2 + 8 + 1 + 5 + 2);
        let name = match (first, second) {
            (false, false) => "plain",
            (true, false) => "first moment",
            (true, true) => "both moments",
            (false, true) => "second moment",
        };
        Case::new(format!("optimizer_step {count} weights {name}"), tolerance, move |f| {
            let step = f.random("step", count as usize);
            let weights = f.random("weights", count as usize);
            let moment = f.random("first", count as usize);
            // Of a second moment, zeros among them.
            let squares: Vec<f32> = f.values(count as usize).iter().map(|v| (v.abs() - 0.25).max(0.0)).collect();
            let squares = f.buffer("second", &squares);
            let buffers = Buffers { step, weights, first: first.then_some(moment), second: second.then_some(squares) };
            let params = Params {
                count,
                parameters: count - count / 5,
                lr: 0.3,
                epsilon: 1e-3,
                beta1: 0.9,
                rest1: 0.1,
                correct1: 5.0,
                beta2: 0.99,
                rest2: 0.01,
                correct2: 50.0,
            };
            let mut rec = Recording::new();
            record(&mut rec, &params, &buffers);
            for span in [weights, moment, squares] {
                rec.read_back(span);
            }
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    let kinds = [(false, false), (true, false), (true, true), (false, true)];
    let small = kinds.into_iter().flat_map(|(first, second)| [(1, first, second), (1003, first, second)]);
    small.chain([(65_536 * 64 + 5, true, true)]).map(case).collect()
}
