//! Twin of `madd.wgsl`.

use crate::kernels::madd::Params;
use crate::recording::kernel::Call;

/// Twelve chains of `a = a * b + c` a thread; stores their sum.
pub fn madd(call: &Call<'_>) {
    let params: Params = call.params();
    let mut out = call.write::<f32>(1);
    for (thread, sum) in out.iter_mut().take(call.grid[0] as usize * 64).enumerate() {
        let mut a: [f32; 12] = std::array::from_fn(|k| thread as f32 + (k % 4) as f32 + (k / 4 * 4) as f32);
        for _ in 0..u64::from(params.iterations) * 16 {
            for x in &mut a {
                *x = *x * params.b + params.c;
            }
        }
        let lane = |k: usize| (a[k] + a[k + 4]) + a[k + 8];
        *sum = (lane(0) + lane(1)) + (lane(2) + lane(3));
    }
}
