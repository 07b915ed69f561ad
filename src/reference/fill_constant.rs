//! Twin of `fill_constant.wgsl`.

use super::Call;
use crate::kernels::fill_constant::Params;

/// `out[i] = value`.
pub fn fill_constant(call: &Call<'_>) {
    let params: Params = call.params();
    call.write::<f32>(1)[..params.quads as usize * 4].fill(params.value);
}
