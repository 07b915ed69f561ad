//! Running statistics of batch norm, one step on.

use super::lib::norm::{Params, Statistics, Uniforms};
use super::lib::norm_cases::{self, Norm, ROWS, SHAPES};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::shaders::ANY_SHAPE;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("running_update", twin).with_defines(&[ANY_SHAPE]);

/// Records `running = 0.9 running + 0.1 moment` for means and variances of each lane's own; lanes without rows keep theirs.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, moments: Span, running: Span) {
    let cost = 6 * u64::from(lanes.count) * u64::from(params.channels);
    let bound = [lanes.table, moments, running];
    rec.dispatch(&KERNEL, Variant::plain(), &params.sizes, &bound, params.channels_grid(lanes), cost);
}

/// Running statistics, one step on.
fn twin(call: &Call<'_>) {
    let p: Uniforms = call.params();
    let (lanes, moments) = (call.read::<Lane>(1), call.read::<[f32; 2]>(2));
    let mut running = call.write::<f32>(3);
    let channels = p.channels as usize;
    for (l, lane) in lanes[..call.grid[2] as usize].iter().enumerate().filter(|(_, lane)| lane.rows > 0) {
        for c in 0..channels {
            for (offset, moment) in [p.mean_offset, p.variance_offset].into_iter().zip(moments[l * channels + c]) {
                let value = &mut running[lane.weight_base.wrapping_add(offset) as usize + c];
                *value = 0.9 * *value + 0.1 * moment;
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    const KIND: Statistics = Statistics::Running;
    let case = |shape: norm_cases::Shape| {
        // Two products and a sum.
        Case::new(norm_cases::name("update", KIND, Layout::ChannelsFirst, shape), rounding(4), move |f| {
            let norm = Norm::new(f, KIND, Layout::ChannelsFirst, shape);
            let moments = f.random("moments", 2 * ROWS.len() * shape.0 as usize);
            let mut rec = Recording::new();
            record(&mut rec, &norm.lanes, &norm.params, moments, norm.running);
            rec.read_back(norm.running);
            rec
        })
    };
    [SHAPES[0], SHAPES[1], SHAPES[5]].map(case).into()
}
