// Four neighbouring floats of a row, from the two quads in which they lie.

// The quad of the last float to be read of a row's floats i..i+4, of which `count` are left, at least one: that of float i, or the next.
// Quads behind a row's end are not read: they may lie beyond the binding.
fn last_quad(i: u32, count: u32) -> u32 {
    return (i + min(count, 4u) - 1u) >> 2u;
}

// Four neighbouring floats of two quads, from float `first` (< 4) on.
fn window(a: vec4<f32>, b: vec4<f32>, first: u32) -> vec4<f32> {
    let one = (first & 1u) != 0u;
    let lo = select(a, vec4<f32>(a.yzw, b.x), one);
    let hi = select(b.xy, b.yz, one);
    return select(lo, vec4<f32>(lo.zw, hi), (first & 2u) != 0u);
}

// The first `count` of them; 0 for the others.
fn masked(v: vec4<f32>, count: u32) -> vec4<f32> {
    return select(vec4<f32>(), v, vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(count));
}
