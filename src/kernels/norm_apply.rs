//! The elementwise pass of norms over images.

use super::lib::geometry::layout_of;
use super::lib::math::rectify;
use super::lib::norm::{Params, SPEED, Statistics, Uniforms, slices, span_sizes};
use super::lib::norm_cases::{self, Norm, ROWS, TOTAL};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding, values};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel_of_shapes::<Uniforms>("norm_apply", twin).with_speed(SPEED);

/// Records `y = act(x * a + b [+ residual])`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    statistics: Statistics,
    params: &Params,
    x: Span,
    coefficients: Span,
    residual: Option<Span>,
    y: Span,
) {
    let (variant, grid) = params.elementwise(lanes);
    let variant = variant
        .with("BY_ROW", u32::from(statistics == Statistics::Group))
        .with("RESIDUAL", u32::from(residual.is_some()));
    let bound = [lanes.table, x, residual.unwrap_or(x), coefficients, y];
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, grid, 6 * params.values(lanes));
}

/// `y = act(x a + b [+ residual])`.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (by_row, with_residual) = (call.variant.get("BY_ROW", 1) == 1, call.variant.get("RESIDUAL", 0) == 1);
    let (lanes, x, residual) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let coefficients = call.read::<[f32; 2]>(4);
    let mut y = call.write::<f32>(5);
    let layout = layout_of(call);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        for plane in slices(lane, p.channels) {
            let [a, b] = coefficients[if by_row { plane } else { l * channels + plane % channels }];
            for pixel in 0..spatial {
                let i =
                    plane / channels * channels * spatial + layout.place(plane % channels, pixel, channels, spatial);
                let v = x[i] * a + b + if with_residual { residual[i] } else { 0.0 };
                y[i] = if p.relu == 1 { rectify(v) } else { v };
            }
        }
    }
}

/// Self-test cases: with and without residual and ReLU; one of each kind built for its sizes.
pub fn cases() -> Vec<Case> {
    [Statistics::Group, Statistics::Batch]
        .into_iter()
        .flat_map(|kind| norm_cases::shapes().map(move |shape| case(kind, shape)))
        .collect()
}

fn case(kind: Statistics, (layout, shape, fitted): (Layout, norm_cases::Shape, bool)) -> Case {
    // A product and two sums; where they cancel, more of the result.
    Case::new(norm_cases::name("apply", kind, layout, shape), rounding(8), move |f| {
        let mut norm = Norm::new(f, kind, layout, shape);
        let sizes = span_sizes(kind, shape.0, norm.params.groups);
        let count = if sizes.per_lane { ROWS.len() } else { TOTAL as usize };
        let coefficients = f.random("coefficients", count * sizes.coefficients as usize);
        let (residual, y) = (f.random("residual", norm.values()), f.blank("y", norm.values()));
        let mut rec = Recording::new();
        for (relu, residual) in [(0, None), (1, Some(residual)), (1, None), (0, Some(residual))] {
            norm.params.sizes.relu = relu;
            record(&mut rec, &norm.lanes, kind, &norm.params, norm.x, coefficients, residual, y);
            rec.read_back(y);
        }
        rec
    })
    .fitted(fitted)
}
