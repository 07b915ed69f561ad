//! Twin of `add`.

use crate::kernels::add::Params;
use crate::recording::kernel::Call;

/// `sum += x`.
pub fn add(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    let x = call.read::<f32>(1);
    let mut sum = call.write::<f32>(2);
    for (sum, x) in sum[..count].iter_mut().zip(&*x) {
        *sum += x;
    }
}
