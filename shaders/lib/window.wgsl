// Four neighbouring floats of two quads, from float `first` (< 4) on.
fn window(a: vec4<f32>, b: vec4<f32>, first: u32) -> vec4<f32> {
    let one = (first & 1u) != 0u;
    let lo = select(a, vec4<f32>(a.yzw, b.x), one);
    let hi = select(b.xy, b.yz, one);
    return select(lo, vec4<f32>(lo.zw, hi), (first & 2u) != 0u);
}

fn masked(v: vec4<f32>, count: u32) -> vec4<f32> {
    return select(vec4<f32>(), v, vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(count));
}
