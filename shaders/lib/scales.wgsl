// Powers of two as the bits of an f32 (src/kernels/lib/scales.rs).

// 1 / x, exactly, which a division needn't give.
fn reciprocal(bits: u32) -> f32 {
    return bitcast<f32>(0x7f000000u - bits);
}
