//! Gradients of batch norms' inputs.

use super::lib::geometry::layout_of;
use super::lib::norm::{Params, SPEED, Statistics, Uniforms, slices};
use super::lib::norm_cases::{self, Norm, ROWS};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("batch_norm_grad", twin).with_speed(SPEED);

/// Records the gradient of the input from the forward pass's input `x`, its statistics, and `dy`. With statistics of the batch it reads the
/// gradients of scale and bias, which must lie in `gradients` already, of this batch alone.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    weights: Span,
    x: Span,
    dy: Span,
    stats: Span,
    gradients: Span,
    dx: Span,
) {
    let (variant, grid) = params.elementwise(lanes);
    let variant = variant.with("RUNNING", u32::from(statistics == Statistics::Running));
    let bound = [lanes.table, weights, x, dy, stats, gradients, dx];
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, grid, 10 * params.values(lanes));
}

/// Gradient of batch norm's input.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let running = call.variant.get("RUNNING", 0) == 1;
    let (lanes, weights, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (dy, stats, gradients) = (call.read::<f32>(4), call.read::<[f32; 2]>(5), call.read::<f32>(6));
    let mut dx = call.write::<f32>(7);
    let layout = layout_of(call);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        let count = (lane.rows * p.spatial) as f32;
        for plane in slices(lane, p.channels) {
            let c = plane % channels;
            let [mean, rstd] = stats[l * channels + c];
            let scale_at = lane.weight_base.wrapping_add(p.scale_offset) as usize + c;
            let bias_at = lane.weight_base.wrapping_add(p.bias_offset) as usize + c;
            for pixel in 0..spatial {
                let i = plane / channels * channels * spatial + layout.place(c, pixel, channels, spatial);
                let mut g = dy[i];
                if !running {
                    g -= gradients[bias_at] / count + (x[i] - mean) * rstd * (gradients[scale_at] / count);
                }
                dx[i] = rstd * weights[scale_at] * g;
            }
        }
    }
}

/// Self-test cases; one of each kind built for its sizes.
pub fn cases() -> Vec<Case> {
    [Statistics::Batch, Statistics::Running]
        .into_iter()
        .flat_map(|kind| norm_cases::shapes().map(move |shape| case(kind, shape)))
        .collect()
}

fn case(kind: Statistics, (layout, shape, fitted): (Layout, norm_cases::Shape, bool)) -> Case {
    // Products and differences that cancel a little.
    Case::new(norm_cases::name("backward", kind, layout, shape), rounding(20), move |f| {
        let norm = Norm::new(f, kind, layout, shape);
        let gradients = f.random("gradients", ROWS.len() * norm_cases::stride(shape.0) as usize);
        let (stats, dy) = (f.random("stats", 2 * ROWS.len() * shape.0 as usize), f.random("dy", norm.values()));
        let dx = f.blank("dx", norm.values());
        let mut rec = Recording::new();
        record(&mut rec, &norm.lanes, kind, &norm.params, norm.weights, norm.x, dy, stats, gradients, dx);
        rec.read_back(dx);
        rec
    })
    .fitted(fitted)
}
