//! Twin of `own_rows.wgsl`.

use crate::kernels::own_rows::Params;
use crate::kernels::params::Lane;
use crate::recording::kernel::Call;

/// `y[row0 + r] = x[x_row + r]`.
pub fn own_rows(call: &Call<'_>) {
    let len = call.params::<Params>().len as usize;
    let (lanes, x, mut y) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<f32>(3));
    for lane in &lanes[..call.grid[2] as usize] {
        let (from, to, count) = (lane.x_row as usize * len, lane.row0 as usize * len, lane.rows as usize * len);
        y[to..to + count].copy_from_slice(&x[from..from + count]);
    }
}
