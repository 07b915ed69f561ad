//! Twin of `fingerprint.wgsl`.

use crate::kernels::fingerprint::Params;
use crate::recording::kernel::Call;

/// Adds both sums over all weights, and the count of those that aren't finite, to binding 2.
pub fn fingerprint(call: &Call<'_>) {
    let params: Params = call.params();
    let weights = call.read::<u32>(1);
    let mut sums = call.write::<u32>(2);
    for (i, &b) in (params.first..).zip(&weights[..params.weights as usize]) {
        let low = mixed(b ^ i.wrapping_mul(0x9E37_79B9));
        let high = mixed(b.wrapping_add(i.wrapping_mul(0x85EB_CA77)).wrapping_add(0x1656_67B1));
        sums[0] = sums[0].wrapping_add(low);
        sums[1] = sums[1].wrapping_add(high);
        sums[2] += u32::from(!f32::from_bits(b).is_finite());
    }
}

/// murmur3's finaliser.
fn mixed(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ h >> 16
}
