//! Twins of `pool` and `pool_grad`.

use crate::kernels::pool::Params;
use crate::recording::kernel::Call;

/// Maximum or mean over windows.
pub fn pool(call: &Call<'_>) {
    let p: Params = call.params();
    let average = call.variant.get("MODE", 0) == 1;
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    for (i, out) in y.iter_mut().enumerate().take((p.planes * p.out_h * p.out_w) as usize) {
        let first = window(&p, i as u32);
        let mut value = if average { 0.0 } else { x[first] };
        for at in places(&p, first) {
            let v = x[at];
            if average {
                value += v;
            } else if v > value || v.is_nan() {
                value = v;
            }
        }
        *out = if average { value / (p.kernel_h * p.kernel_w) as f32 } else { value };
    }
}

/// The gradient: to the first maximum of each window, or to all of it alike.
pub fn pool_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let average = call.variant.get("MODE", 0) == 1;
    let (x, dy) = (call.read::<f32>(1), call.read::<f32>(2));
    let mut dx = call.write::<f32>(3);
    dx[..(p.planes * p.h * p.w) as usize].fill(0.0);
    // Windows in order, so each input meets its windows in the order in which the kernel sums them.
    for (i, &g) in dy.iter().enumerate().take((p.planes * p.out_h * p.out_w) as usize) {
        let first = window(&p, i as u32);
        if average {
            places(&p, first).for_each(|at| dx[at] += g / (p.kernel_h * p.kernel_w) as f32);
        } else {
            let best = places(&p, first).fold(first, |best, at| if x[at] > x[best] { at } else { best });
            dx[best] += g;
        }
    }
}

/// Index of the first input of the window of output `i`.
fn window(p: &Params, i: u32) -> usize {
    let (plane, at) = (i / (p.out_h * p.out_w), i % (p.out_h * p.out_w));
    let (oy, ox) = (at / p.out_w, at % p.out_w);
    ((plane * p.h + oy * p.stride) * p.w + ox * p.stride) as usize
}

/// Indices of a window's inputs, row by row.
fn places(p: &Params, first: usize) -> impl Iterator<Item = usize> + use<> {
    let (w, kernel_w) = (p.w as usize, p.kernel_w as usize);
    (0..p.kernel_h as usize).flat_map(move |ky| (0..kernel_w).map(move |kx| first + ky * w + kx))
}
