//! Gradients of convolutions' inputs by strips of pixels, where they are convolutions themselves.

use super::conv_grad_input::{Uniforms, twin};
use super::lib::conv_grad::{Params, ROWS, Shape, text};
use super::lib::params::Lanes;
use super::lib::strips::Strips;
use super::lib::tiling::Operands;
use super::lib::{Case, rounding};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::Kernel;
use crate::shaders::QUADS;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("conv_strips_grad_input", twin).with_defines(&[QUADS]);

/// Records `dx`, that is `io.y`, `[rows][c][h][w]`, from `dy`, `io.x`, `[rows][out_c][out_h][out_w]`.
pub fn record(rec: &mut Recording, lanes: &Lanes, strips: &Strips, params: &Params, io: &Operands) {
    let geometry = params.geometry();
    let uniforms = Uniforms { sizes: geometry.sizes(), weight_offset: params.weight_offset };
    let (variant, grid) = (strips.gradient_variant(&geometry), strips.gradient_grid(lanes, &geometry));
    let bound = [lanes.table, io.weights, io.x, io.y];
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, grid, params.cost(lanes));
}

/// Self-test cases: rows of whole quads and others, more and less zeros than the window's middle has; with a stride, each parity of the
/// zeros, rows that no window reaches and rows of an odd number of quads.
pub fn cases() -> Vec<Case> {
    let shapes = [
        (13, 9, 8, 8, 3, 1, 1),
        (9, 3, 7, 11, 5, 1, 2),
        (3, 10, 8, 12, 3, 1, 0),
        (5, 6, 6, 7, 1, 1, 0),
        (13, 9, 8, 8, 3, 2, 1),
        (9, 3, 7, 15, 5, 2, 2),
        (3, 10, 9, 8, 3, 2, 0),
        (4, 7, 12, 12, 5, 2, 0),
        (5, 6, 8, 16, 1, 2, 0),
    ];
    shapes.map(case).into()
}

fn case(shape: Shape) -> Case {
    let params = Params::of_case(shape, Layout::ChannelsFirst, 0, 0);
    let (geometry, (rows, total)) = (params.geometry(), ROWS);
    let tolerance = rounding(2 * params.out_c * params.kernel * params.kernel);
    Case::new(format!("conv_strips_grad_input {}", text(shape, Layout::ChannelsFirst)), tolerance, move |f| {
        let stride = params.out_c * geometry.depth() + 1;
        let lanes = f.lanes(&rows, stride);
        let weights = f.random("weights", rows.len() * stride as usize);
        let values = |of: [u32; 3]| (total * of.iter().product::<u32>()) as usize;
        let (dy, dx) = (f.random("dy", values(geometry.output)), f.blank("dx", values(geometry.input)));
        let mut rec = Recording::new();
        if let Some(strips) = Strips::fitting_gradient(f.best_tiling(), &geometry) {
            record(&mut rec, &lanes, &strips, &params, &Operands::by_shuffles(weights, dy, dx));
            rec.read_back(dx);
        }
        rec
    })
}
