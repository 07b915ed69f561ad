//! Twin of `fill_constant.wgsl`.

use crate::kernels::fill_constant::Params;
use crate::recording::kernel::Call;

/// `out[i] = value`.
pub fn fill_constant(call: &Call<'_>) {
    let params: Params = call.params();
    call.write::<f32>(1)[..params.quads as usize * 4].fill(params.value);
}
