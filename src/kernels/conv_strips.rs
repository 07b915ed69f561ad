//! Convolutions by strips of pixels.

use super::lib::case::{perturbation, product_tolerance};
use super::lib::conv::{Launch, Params, Uniforms, twin};
use super::lib::geometry::Geometry;
use super::lib::params::{ABSENT, Lanes};
use super::lib::strips::Strips;
use super::lib::tiling::{Operands, Product};
use super::lib::{Case, PERTURBED};
use crate::caps::Layout;
use crate::recording::Recording;
use crate::recording::kernel::{Kernel, Twin};
use crate::shaders::QUADS;
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = kernel("conv_strips", twin);

/// The row of a kernel that computes a convolution so.
pub(super) const fn kernel(name: &'static str, twin: Twin) -> Kernel {
    Kernel::new::<Uniforms>(name, twin).with_defines(&[QUADS])
}

/// Records the convolution of all rows of a chunk.
pub fn record(rec: &mut Recording, launch: Launch) {
    rec.dispatch(&KERNEL, launch.variant, &launch.uniforms, &launch.bound, launch.grid, launch.cost);
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let all = PERTURBED.map(|how| (how, [3, 7, 12], 13, 3, 2));
    // Rows of whole quads, with signs that a subgroup shares and without; one tap; rows of four pixels.
    let quads = [
        (Some(Distribution::Rademacher), [2, 8, 8], 9, 5, 1),
        (Some(Distribution::Rademacher), [20, 8, 8], 8, 3, 1),
        (None, [5, 8, 8], 9, 1, 2),
        (None, [3, 4, 4], 10, 3, 1),
    ];
    all.into_iter()
        .chain(quads)
        .map(|(how, input, out_c, kernel, stride)| {
            let g = geometry(input, out_c, kernel, stride);
            let name =
                format!("conv_strips {} {input:?} to {out_c} kernel {kernel} stride {stride}", perturbation(how));
            Case::new(name, product_tolerance(how, g.depth()), move |f| {
                let mut rec = Recording::new();
                // One pipeline a case: each is long to compile.
                let relu = u32::from(out_c % 2 == 1);
                for (from_batch, biased) in [(1, true), (0, false)] {
                    let (io, lanes, launch) = launch(f, how, &g, from_batch, relu, biased);
                    debug_assert_eq!(lanes.count, 3);
                    if let Some(launch) = launch {
                        record(&mut rec, launch);
                        rec.read_back(io.y);
                    }
                }
                rec
            })
        })
        .collect()
}

/// A window in the middle of so many zeros.
pub(super) fn geometry(input: [u32; 3], out_c: u32, kernel: u32, stride: u32) -> Geometry {
    let padding = kernel / 2;
    let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
    let output = [out_c, out(input[1]), out(input[2])];
    Geometry { input, output, kernel, stride, padding, layout: Layout::ChannelsFirst }
}

/// Buffers and launch of a case: three lanes with weights of their own.
pub(super) fn launch(
    f: &mut super::lib::Fixture<'_>,
    how: Option<Distribution>,
    g: &Geometry,
    from_batch: u32,
    relu: u32,
    biased: bool,
) -> (Operands, Lanes, Option<Launch>) {
    let (rows, weight_offset) = ([5, 1, 3], 3);
    let end = weight_offset + g.output[0] * g.depth();
    let stride = (end + g.output[0]).next_multiple_of(64);
    let lanes = f.lanes(&rows, stride);
    let values = |shape: [u32; 3]| (rows.iter().sum::<u32>() * shape.iter().product::<u32>()) as usize;
    let io = Operands::by_shuffles(
        f.random("weights", 3 * stride as usize),
        f.random("x", values(g.input)),
        f.blank("y", values(g.output)),
    );
    let params = Params { weight_offset, bias_offset: if biased { end } else { ABSENT }, from_batch, relu };
    let product = Product::by_shuffles(f.best_tiling(), how);
    let launch =
        Strips::fitting(product.tiling, g).map(|strips| Launch::by_strips(&lanes, &product, &strips, g, &params, &io));
    (io, lanes, launch)
}
