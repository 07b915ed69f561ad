//! Convolutions, forward.

use super::lib::case::{layout_name, perturbation, product_tolerance};
use super::lib::conv::{Launch, kernel, twin};
use super::lib::halves::Halves;
use super::lib::moments::{Moments, Parts};
use super::lib::params::{ABSENT, Lanes};
use super::lib::strips::Strips;
use super::lib::tile_order::Order;
use super::lib::tiles::Tiles;
use super::lib::tiling::{Operands, Product, Tiling};
use super::lib::way::Way;
use super::lib::{Case, PERTURBED};
use super::{
    conv_channel_moments, conv_group_moments, conv_strips, conv_strips_moments, conv_strips_pool, convert, tiled_conv,
};
use crate::caps::Layout;
use crate::recording::kernel::Kernel;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

pub use super::lib::conv::Params;
pub use super::lib::geometry::Geometry;

/// The kernel.
pub static KERNEL: Kernel = kernel("conv", twin);

/// Records the convolution of all rows of a chunk. With `moments`, those of the output are left there; there must be no ReLU then, and the
/// output must be f32.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
    moments: Option<(Moments, Span)>,
) {
    if let Some(tiles) = Tiles::of(how.way) {
        return tiled_conv::record(rec, lanes, how, &tiles, geometry, params, io, moments);
    }
    if let Some(strips) = Strips::of(how.tiling, geometry) {
        let launch = Launch::by_strips(lanes, how, &strips, geometry, params, io);
        match moments {
            None | Some((Moments { parts: Parts::Own { .. }, .. }, _)) => return conv_strips::record(rec, launch),
            Some((Moments { parts: Parts::Groups { .. }, .. }, to)) => {
                return conv_strips_moments::record(rec, launch, to);
            }
            // A tile's columns of a channel are not a thread's.
            Some((Moments { parts: Parts::Channels { .. }, .. }, _)) => {}
        }
    }
    let launch = Launch::new(lanes, how, geometry, params, io);
    match moments {
        Some((Moments { parts: Parts::Own { .. }, .. }, _)) | None => {
            rec.dispatch(&KERNEL, launch.variant, &launch.uniforms, &launch.bound, launch.grid, launch.cost);
        }
        Some((Moments { parts: Parts::Groups { segment, .. }, .. }, to)) => {
            conv_group_moments::record(rec, launch, segment, to);
        }
        Some((Moments { parts: Parts::Channels { .. }, .. }, to)) => {
            conv_channel_moments::record(rec, launch, to);
        }
    }
}

/// Whether a convolution can be pooled in passing ([`record_pooled`]).
pub fn can_be_pooled(tiling: Tiling, geometry: &Geometry) -> bool {
    Strips::of(tiling, geometry).is_some()
}

/// Records a convolution that can be pooled and of its output, which is not stored, the maximum of each 2 x 2 square into `io.y`.
pub fn record_pooled(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
) {
    if let Some(strips) = Strips::of(how.tiling, geometry) {
        conv_strips_pool::record(rec, Launch::by_strips(lanes, how, &strips, geometry, params, io));
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for (input, out_c, kernel, stride, padding, offset) in [
            ([1, 1, 1], 1, 1, 1, 0, 0),
            ([3, 9, 8], 13, 3, 2, 1, 5),
            ([4, 6, 6], 40, 5, 1, 2, 4),
            ([5, 4, 7], 3, 2, 3, 0, 1),
        ] {
            let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
            let output = [out_c, out(input[1]), out(input[2])];
            // Built for their sizes: rows that fill no tile and rows of whole quads, with and without signs that a subgroup shares.
            let fitted = matches!((how, out_c), (Some(Distribution::Rademacher), 13 | 40) | (None, 40));
            let geometry = |layout| Geometry { input, output, kernel, stride, padding, layout };
            cases.push(case("conv", how, geometry(Layout::ChannelsFirst), offset, Way::Shuffle).fitted(fitted));
            // The other layout: two that are built for their sizes, and one of the others.
            if fitted && how != Some(Distribution::Rademacher)
                || matches!((how, out_c), (Some(Distribution::Rademacher), 13) | (None, 3))
            {
                cases.push(case("conv", how, geometry(Layout::ChannelsLast), offset, Way::Shuffle).fitted(fitted));
            }
        }
    }
    cases
}

/// A case of the kernels that compute this in a way.
pub(super) fn case(kernel: &str, how: Option<Distribution>, g: Geometry, weight_offset: u32, way: Way) -> Case {
    case_of(kernel, how, g, weight_offset, way, Halves::default())
}

/// The same with activations that are f16 in memory.
pub(super) fn case_of(
    kernel: &str,
    how: Option<Distribution>,
    g: Geometry,
    weight_offset: u32,
    way: Way,
    halves: Halves,
) -> Case {
    let (perturbed, layout) = (perturbation(how), layout_name(g.layout));
    let name =
        format!("{kernel} {perturbed} {:?} to {:?} kernel {} stride {}{layout}", g.input, g.output, g.kernel, g.stride);
    let case = Case::new(name, product_tolerance(how, g.depth()), move |f| {
        let rows = [5, 1, 3];
        let bias_offset = weight_offset + g.output[0] * g.depth();
        let stride = (bias_offset + g.output[0]).next_multiple_of(64);
        let lanes = f.lanes(&rows, stride);
        let total = rows.iter().sum::<u32>();
        let values = |shape: [u32; 3]| total * shape.iter().product::<u32>();
        let outputs = values(g.output);
        let io = Operands {
            weights: f.random("weights", 3 * stride as usize),
            x: f.random_halves("x", values(g.input) as usize, halves.x),
            y: f.blank("y", if halves.y { outputs / 2 } else { outputs } as usize),
            room: f.room(&Order::of_conv(&g, 16), &lanes),
        };
        let read = if halves.y { f.blank("read", outputs as usize) } else { io.y };
        let mut rec = Recording::new();
        for (from_batch, relu, bias_offset) in [(1, 0, bias_offset), (0, 1, ABSENT)] {
            let params = Params { weight_offset, bias_offset, from_batch, relu };
            let how = Product { way: way.on(f.info()), halves, ..Product::by_shuffles(f.tiling(), how) };
            record(&mut rec, &lanes, &how, &g, &params, &io, None);
            if halves.y {
                convert::from_halves(&mut rec, outputs, io.y, read);
            }
            rec.read_back(read);
        }
        rec
    });
    case.by(way, how).in_halves(halves.y)
}
