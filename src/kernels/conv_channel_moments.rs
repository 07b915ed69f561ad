//! Convolutions that leave moments of their output for a batch norm.

use super::lib::conv::{self, Launch, Uniforms};
use super::lib::geometry::Geometry;
use super::lib::params::Lane;
use super::lib::{Case, conv_moments};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = conv::kernel("conv_channel_moments", twin);

/// Records the convolution and the moments of its output.
pub fn record(rec: &mut Recording, launch: Launch, moments: Span) {
    let Launch { variant, uniforms, bound, grid, cost } = launch;
    rec.dispatch(&KERNEL, variant, &uniforms, &[bound.as_slice(), &[moments]].concat(), grid, cost);
}

/// The convolution, then the moments of each part: a channel's columns of a tile.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    let g = Geometry::of(call, &call.params::<Uniforms>().sizes);
    let get = |name| call.variant.get(name, 1) as usize;
    let (channels, pixels, tile) = (g.output[0] as usize, g.pixels() as usize, get("MEMBERS") * get("TILE_Q"));
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    for lane in table.iter().take(call.grid[2] as usize) {
        let (row0, columns) = (lane.row0 as usize, lane.rows as usize * pixels);
        let tiles = columns.div_ceil(tile);
        let own = &mut parts[row0 * pixels.div_ceil(tile) * channels..][..channels * tiles];
        for (part, to) in own.iter_mut().enumerate() {
            let (c, first) = (part / tiles, part % tiles * tile);
            let at = |q: usize| (row0 + q / pixels) * channels * pixels + g.output_at(c, q % pixels);
            let values: Vec<f32> = (first..columns.min(first + tile)).map(|q| y[at(q)]).collect();
            *to = conv::moments(&values);
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let layout = Layout::ChannelsFirst;
    let geometry = Geometry { input: [3, 5, 5], output: [7, 5, 5], kernel: 3, stride: 1, padding: 1, layout };
    conv_moments::cases("conv_channel_moments", geometry, None)
}
