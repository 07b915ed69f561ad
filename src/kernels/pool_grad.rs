//! Gradients of pooling.

use super::lib::{Case, fold_grid, rounding};
use super::pool::{self, Mode, Params};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("pool_grad", twin);

/// Records `dx` from the forward input `x` and `dy`.
pub fn record(rec: &mut Recording, mode: Mode, params: &Params, x: Span, dy: Span, dx: Span) {
    let items = u64::from(params.planes) * u64::from(params.h) * u64::from(params.w);
    let window = u64::from(params.kernel_h) * u64::from(params.kernel_w);
    let cost = items + params.cost() * if mode == Mode::Max { window } else { 1 };
    rec.dispatch(&KERNEL, params.variant(mode), params, &[x, dy, dx], fold_grid(items, 64), cost);
}

/// The gradient: to the first maximum of each window, or to all of it alike.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let average = call.variant.get("MODE", 0) == 1;
    let (x, dy) = (call.read::<f32>(1), call.read::<f32>(2));
    let mut dx = call.write::<f32>(3);
    dx[..(p.planes * p.h * p.w) as usize].fill(0.0);
    // Windows in order, so each input meets its windows in the order in which the kernel sums them.
    for i in 0..p.planes * p.out_h * p.out_w {
        let (g, first) = (dy[p.output(i)], p.window(i));
        if average {
            p.places(first).for_each(|at| dx[at] += g / (p.kernel_h * p.kernel_w) as f32);
        } else {
            let best = p.places(first).fold(first, |best, at| if x[at] > x[best] { at } else { best });
            dx[best] += g;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in [Mode::Max, Mode::Average] {
        for shape in pool::shapes() {
            let (planes, h, w, kernel, ..) = shape;
            if planes > 1000 && mode == Mode::Max {
                continue;
            }
            // Up to kernel^2 summands, for averages a division of 2.5 units each.
            let tolerance = if kernel == 1 && mode == Mode::Max { 0.0 } else { rounding(kernel * kernel + 5) };
            let name = format!("pool_grad {} {}", pool::text(mode), pool::shape_text(shape));
            cases.push(Case::new(name, tolerance, move |f| {
                let params = pool::params_of(shape);
                let x = pool::input(f, &params);
                let dy = f.random("dy", (planes * params.out_h * params.out_w) as usize);
                let dx = f.blank("dx", (planes * h * w) as usize);
                let mut rec = Recording::new();
                record(&mut rec, mode, &params, x, dy, dx);
                rec.read_back(dx);
                rec
            }));
        }
    }
    cases
}
