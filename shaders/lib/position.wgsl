// 64-bit positions of the stream as (low, high) pairs of u32; sums wrap at 2^64.
fn position_add(position: vec2<u32>, by: u32) -> vec2<u32> {
    let lo = position.x + by;
    return vec2<u32>(lo, position.y + select(0u, 1u, lo < by));
}

fn position_shift(position: vec2<u32>, by: u32) -> vec2<u32> {
    return vec2<u32>((position.x >> by) | (position.y << (32u - by)), position.y >> by);
}
