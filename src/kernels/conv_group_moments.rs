//! Convolutions that leave moments of their output for a group norm.

use super::lib::conv::{self, Launch, Uniforms};
use super::lib::geometry::Geometry;
use super::lib::params::Lane;
use super::lib::{Case, conv_moments};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = conv::kernel("conv_group_moments", twin);

/// Records the convolution and the moments of its output, whose parts are `segment` columns a thread.
pub fn record(rec: &mut Recording, launch: Launch, segment: u32, moments: Span) {
    let Launch { variant, uniforms, bound, grid, cost } = launch;
    let bound = [bound.as_slice(), &[moments]].concat();
    rec.dispatch(&KERNEL, variant.with("SEGMENT", segment), &uniforms, &bound, grid, cost);
}

/// The convolution, then the moments of each part: a thread's channels, of its columns those of one segment.
fn twin(call: &Call<'_>) {
    conv::twin(call);
    let g = Geometry::of(call, &call.params::<Uniforms>().sizes);
    let get = |name| call.variant.get(name, 1) as usize;
    let (members, segment, rows) = (get("MEMBERS"), get("SEGMENT"), get("TILE_O") * get("SHARE"));
    let (channels, pixels) = (g.output[0] as usize, g.pixels() as usize);
    let (table, y, mut parts) = (call.read::<Lane>(1), call.read::<f32>(4), call.write::<[f32; 2]>(5));
    let (a_row, segments) = (channels * pixels / (rows * segment), pixels / (segment * members));
    for lane in table.iter().take(call.grid[2] as usize) {
        for row in lane.row0 as usize..(lane.row0 + lane.rows) as usize {
            for (part, to) in parts[row * a_row..][..a_row].iter_mut().enumerate() {
                let (thread, block) = (part % members, part / members);
                let (first, q) = (block / segments * rows, block % segments * segment * members);
                let columns = |o: usize| {
                    (0..segment).map(move |p| row * channels * pixels + g.output_at(o, q + p * members + thread))
                };
                let values: Vec<f32> = (first..first + rows).flat_map(columns).map(|at| y[at]).collect();
                *to = conv::moments(&values);
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let layout = Layout::ChannelsFirst;
    let geometry = Geometry { input: [3, 8, 8], output: [64, 8, 8], kernel: 3, stride: 1, padding: 1, layout };
    // One group: its parts are whole with every tiling.
    conv_moments::cases("conv_group_moments", geometry, Some(1))
}
