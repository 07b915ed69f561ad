//! Convolutions, forward, channels last, by tiles in workgroup memory.

use super::lib::conv::{self, Params, Uniforms};
use super::lib::conv_moments::{self, Leaving};
use super::lib::geometry::Geometry;
use super::lib::halves::Halves;
use super::lib::matrix::{Matrix, SMALL};
use super::lib::moments::{Moments, Parts};
use super::lib::params::{Lane, Lanes, perturb};
use super::lib::tile_order::{Order, TileRoom};
use super::lib::tiles::{Tiles, tiled_defines};
use super::lib::tiling::{Operands, Product};
use super::lib::way::{BLOCKS, Way, in_ways, with_quads};
use super::lib::{Case, PERTURBED};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};
use crate::shaders::{ANY_SHAPE, IN_HALVES, IN_QUADS, MOMENTS, OUT_HALVES, QUADS};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("tiled_conv", twin)
    .with_defines(tiled_defines!(ANY_SHAPE, IN_QUADS, QUADS, IN_HALVES, OUT_HALVES, MOMENTS))
    .with_speed(conv::SPEED);

/// As [`super::conv::record`], channels last.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    how: &Product,
    tile: &Tiles,
    geometry: &Geometry,
    params: &Params,
    io: &Operands,
    moments: Option<(Moments, Span)>,
) {
    let variant = with_quads(with_quads(tile.variant(), IN_QUADS, geometry.input[0]), QUADS, geometry.output[0]);
    let own = lanes.own_weights || how.moves_halves() && how.perturbed.is_some();
    let variant = how
        .halves
        .variant(geometry.variant(variant))
        .with("PERTURB", perturb(how.perturbed))
        .with("OWN_WEIGHTS", u32::from(own))
        .with("RELU", params.relu);
    let grid = [geometry.output[0].div_ceil(tile.columns), (lanes.max_rows * geometry.pixels()).div_ceil(tile.rows)];
    let order = Order::of_conv(geometry, tile.depth);
    let room = TileRoom::fill(rec, lanes, &order, params.weight_offset, io.weights, how, io.room);
    let mut bound = vec![lanes.table, io.weights, io.x, io.y, room.weights, room.signs];
    let left = moments.and_then(|(moments, span)| Some((part_of(moments.parts, geometry)?, span)));
    let variant = match left {
        Some(((segment, channels), span)) => {
            bound.push(span);
            tile.leaving_moments(variant, segment).with("GROUP_CHANNELS", channels)
        }
        None => variant,
    };
    let uniforms = params.uniforms(geometry);
    rec.dispatch(&KERNEL, variant, &uniforms, &bound, lanes.grid(grid[0], grid[1]), geometry.cost(lanes));
}

/// Pixels of a part, and channels of a group, or 0 where parts are a batch norm's. None of those that a norm takes itself.
fn part_of(parts: Parts, geometry: &Geometry) -> Option<(u32, u32)> {
    match parts {
        Parts::Groups { count, values, .. } => Some((values, count * values / geometry.pixels())),
        Parts::Channels { columns } => Some((columns, 0)),
        Parts::Own { .. } => None,
    }
}

/// The convolution, then the moments of each part, where they are wanted: a channel's pixels.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    if !call.variant.defines().contains(&MOMENTS) {
        return;
    }
    let g = Geometry::of(call, &call.params::<Uniforms>().sizes);
    let [segment, group] = ["SEGMENT", "GROUP_CHANNELS"].map(|name| call.variant.get(name, 0) as usize);
    let (channels, pixels) = (g.output[0] as usize, g.pixels() as usize);
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(7));
    for lane in table.iter().take(call.grid[2] as usize) {
        let (row0, columns) = (lane.row0 as usize, lane.rows as usize * pixels);
        let count = columns.div_ceil(segment);
        for (part, o) in (0..count).flat_map(|part| (0..channels).map(move |o| (part, o))) {
            let first = part * segment;
            let at = |q: usize| (row0 + q / pixels) * channels * pixels + g.output_at(o, q % pixels);
            let values: Vec<f32> = (first..columns.min(first + segment)).map(|q| y[at(q)]).collect();
            let place = match o.checked_div(group) {
                None => row0 * pixels.div_ceil(segment) * channels + o * count + part,
                Some(number) => {
                    let of_group = ((row0 + first / pixels) * channels + number * group) * (pixels / segment);
                    of_group + first % pixels / segment * group + o % group
                }
            };
            parts[place] = conv::moments(&values);
        }
    }
}

/// Sizes of cases: input, output channels, kernel, stride, padding, flat index of the weight.
const SHAPES: [([u32; 3], u32, u32, u32, u32, u32); 6] = [
    // More taps than terms of a slice.
    ([22, 5, 5], 3, 5, 1, 2, 2),
    // Whole quads of channels, all of them a slab.
    ([4, 6, 6], 40, 5, 1, 2, 4),
    ([1, 1, 1], 1, 1, 1, 0, 0),
    ([3, 9, 8], 13, 3, 2, 1, 5),
    // Two slabs.
    ([32, 6, 6], 34, 3, 2, 1, 64),
    ([32, 7, 5], 36, 3, 1, 1, 7),
];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        for ((input, out_c, kernel, stride, padding, offset), way) in in_ways(&SHAPES) {
            // Matrices plain and with signs; what else perturbs once.
            let usual = matches!(how, None | Some(Distribution::Rademacher));
            if matches!(way, Way::Matrix(_)) && !usual && out_c != 34 {
                continue;
            }
            let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
            let output = [out_c, out(input[1]), out(input[2])];
            let layout = Layout::ChannelsLast;
            let geometry = Geometry { input, output, kernel, stride, padding, layout };
            let fitted = matches!((how, out_c), (Some(Distribution::Rademacher), 36) | (None, 13));
            let name = format!("tiled_conv {way}");
            cases.push(super::conv::case(&name, how, geometry, offset, way).fitted(fitted));
        }
    }
    cases.extend(in_halves());
    cases.extend(with_moments());
    cases
}

/// Cases that leave moments: for batch norms of images that fill no tile; for group norms of parts that are a tile, several spans of one, and less
/// than one; values whose mean is far from 0; activations that are f16 in memory.
fn with_moments() -> Vec<Case> {
    let (none, signs) = (None, Some(Distribution::Rademacher));
    let leaving = |how, input: [u32; 3], channels, bias, groups| {
        let (output, layout) = ([channels, input[1], input[2]], Layout::ChannelsLast);
        let geometry = Geometry { input, output, kernel: 3, stride: 1, padding: 1, layout };
        Leaving { how, geometry, way: Way::Shuffle, halves: false, bias, groups }
    };
    let all = [
        leaving(signs, [3, 5, 7], 34, 0.0, None),
        leaving(none, [16, 9, 8], 36, 0.0, None),
        leaving(none, [3, 3, 7], 10, 1024.0, None),
        leaving(signs, [3, 8, 8], 34, 0.0, Some(2)),
        leaving(none, [16, 4, 4], 36, 0.0, Some(3)),
        leaving(none, [3, 12, 8], 5, 1024.0, Some(5)),
    ];
    let mut all: Vec<Leaving> = in_ways(&all).into_iter().map(|(of, way)| Leaving { way, ..of }).collect();
    // Spans of several parts.
    let wide = Way::Matrix(Matrix::new(64, 64, 32, 32, 32));
    for way in [wide, Way::Matrix(SMALL)] {
        all.push(Leaving { way, halves: true, ..leaving(signs, [8, 4, 4], 40, 0.0, Some(4)) });
    }
    all.push(Leaving { way: wide, halves: true, ..leaving(none, [8, 5, 5], 24, 0.0, None) });
    let case = |of: Leaving| {
        let (Geometry { input, output, .. }, way) = (of.geometry, of.way);
        let parts = of.groups.map_or("channels".to_owned(), |groups| format!("{groups} groups"));
        let x = if of.halves { " x f16" } else { "" };
        let name = format!("tiled_conv {way}{x} {input:?} to {}, moments of {parts}", output[0]);
        conv_moments::case(&name, of).fitted([36, 40].contains(&output[0]))
    };
    all.into_iter().map(case).collect()
}

/// Sizes of cases whose activations are f16 in memory, as above: all channels a slab, two slabs, and nothing that fills a tile.
const HALF_SHAPES: [([u32; 3], u32, u32, u32, u32, u32); 3] =
    [([8, 5, 5], 16, 3, 1, 1, 5), ([32, 6, 6], 40, 3, 2, 1, 64), ([24, 7, 5], 8, 1, 2, 0, 3)];

/// Cases whose input, output or both are f16 in memory.
fn in_halves() -> Vec<Case> {
    let mut cases = Vec::new();
    for way in [Way::Block(BLOCKS[0]), Way::Matrix(SMALL)] {
        for (x, y, how) in [(true, false, Some(Distribution::Rademacher)), (false, true, None), (true, true, None)] {
            for (input, out_c, kernel, stride, padding, offset) in HALF_SHAPES {
                let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
                let (output, layout) = ([out_c, out(input[1]), out(input[2])], Layout::ChannelsLast);
                let geometry = Geometry { input, output, kernel, stride, padding, layout };
                let which = if x && y {
                    "x and y"
                } else if x {
                    "x"
                } else {
                    "y"
                };
                let halves = Halves { x, residual: false, y };
                let case =
                    super::conv::case_of(&format!("tiled_conv {way} {which} f16"), how, geometry, offset, way, halves);
                cases.push(case.fitted(out_c == 40));
            }
        }
    }
    cases
}
