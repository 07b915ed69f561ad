//! The elementwise pass of norms over images.

use super::convert;
use super::lib::geometry::layout_of;
use super::lib::halves::{self, Halves};
use super::lib::math::rectify;
use super::lib::norm::{Params, SPEED, Statistics, Uniforms, slices, span_sizes};
use super::lib::norm_cases::{self, Norm, ROWS, TOTAL};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::shaders::{ANY_SHAPE, IN_HALVES, OUT_HALVES, QUADS, RESIDUAL_HALVES};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("norm_apply", twin)
    .with_defines(&[QUADS, ANY_SHAPE, IN_HALVES, RESIDUAL_HALVES, OUT_HALVES])
    .with_speed(SPEED);

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
    halves: Halves,
) {
    let (variant, grid) = params.elementwise(lanes);
    let variant = halves
        .variant(variant)
        .with("BY_ROW", u32::from(statistics == Statistics::Group))
        .with("RESIDUAL", u32::from(residual.is_some()));
    let bound = [lanes.table, x, residual.unwrap_or(x), coefficients, y];
    rec.dispatch(&KERNEL, variant, &params.sizes, &bound, grid, 6 * params.values(lanes));
}

/// `y = act(x a + b [+ residual])`.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (by_row, with_residual) = (call.variant.get("BY_ROW", 1) == 1, call.variant.get("RESIDUAL", 0) == 1);
    let (lanes, x) = (call.read::<Lane>(1), halves::read(call, 2, IN_HALVES));
    let (residual, coefficients) = (halves::read(call, 3, RESIDUAL_HALVES), call.read::<[f32; 2]>(4));
    let layout = layout_of(call);
    let (channels, spatial) = (p.channels as usize, p.spatial as usize);
    halves::write(call, 5, |y| {
        for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
            for plane in slices(lane, p.channels) {
                let [a, b] = coefficients[if by_row { plane } else { l * channels + plane % channels }];
                for pixel in 0..spatial {
                    let i = plane / channels * channels * spatial
                        + layout.place(plane % channels, pixel, channels, spatial);
                    let v = x[i] * a + b + if with_residual { residual[i] } else { 0.0 };
                    y[i] = if p.relu == 1 { rectify(v) } else { v };
                }
            }
        }
    });
}

/// Self-test cases: with and without residual and ReLU; one of each kind built for its sizes. Then with activations that are f16 in memory.
pub fn cases() -> Vec<Case> {
    let kinds = [Statistics::Group, Statistics::Batch].into_iter();
    let plain = kinds.flat_map(|kind| norm_cases::shapes().map(move |shape| case(kind, shape, Halves::default())));
    let fit =
        |shape: &(Layout, norm_cases::Shape, bool)| shape.0 == Layout::ChannelsLast && Halves::fit(shape.1.0 as usize);
    let each = [(true, false, false), (false, true, false), (false, false, true), (true, true, true)];
    let halves = each.into_iter().flat_map(|(x, residual, y)| {
        norm_cases::shapes().filter(fit).map(move |shape| case(Statistics::Batch, shape, Halves { x, residual, y }))
    });
    plain.chain(halves).collect()
}

fn case(kind: Statistics, (layout, shape, fitted): (Layout, norm_cases::Shape, bool), halves: Halves) -> Case {
    let which = [(halves.x, " x"), (halves.residual, " residual"), (halves.y, " y")];
    let which: String = which.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    let name = norm_cases::name("apply", kind, layout, shape);
    let name = if which.is_empty() { name } else { format!("{name} f16{which}") };
    // A product and two sums; where they cancel, more of the result.
    let case = Case::new(name, rounding(8), move |f| {
        let mut norm = Norm::new(f, kind, layout, shape);
        let sizes = span_sizes(kind, shape.0, norm.params.groups);
        let count = if sizes.per_lane { ROWS.len() } else { TOTAL as usize };
        let coefficients = f.random("coefficients", count * sizes.coefficients as usize);
        let values = norm.values();
        let x = if halves.x { f.random_halves("x", values, true) } else { norm.x };
        let residual = f.random_halves("residual", values, halves.residual);
        let y = f.blank("y", if halves.y { values / 2 } else { values });
        let read = if halves.y { f.blank("read", values) } else { y };
        let mut rec = Recording::new();
        for (relu, residual) in [(0, None), (1, Some(residual)), (1, None), (0, Some(residual))] {
            norm.params.sizes.relu = relu;
            let halves = Halves { residual: residual.is_some() && halves.residual, ..halves };
            record(&mut rec, &norm.lanes, kind, &norm.params, x, coefficients, residual, y, halves);
            if halves.y {
                convert::from_halves(&mut rec, values as u32, y, read);
            }
            rec.read_back(read);
        }
        rec
    });
    case.in_halves(halves.y).fitted(fitted)
}
