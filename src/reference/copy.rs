//! Twin of `copy.wgsl`.

use super::Call;
use crate::kernels::copy::Params;

/// `out[i] = source[i]`.
pub fn copy(call: &Call<'_>) {
    let n = call.params::<Params>().quads as usize * 4;
    call.write::<u32>(2)[..n].copy_from_slice(&call.read::<u32>(1)[..n]);
}
