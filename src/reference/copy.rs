//! Twin of `copy.wgsl`.

use crate::kernels::copy::Params;
use crate::recording::kernel::Call;

/// `out[i] = source[i]`.
pub fn copy(call: &Call<'_>) {
    let n = call.params::<Params>().quads as usize * 4;
    call.write::<u32>(2)[..n].copy_from_slice(&call.read::<u32>(1)[..n]);
}
