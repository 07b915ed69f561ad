// Perturbed weights as a Value (lib/value.wgsl), of any flat index: of four neighbours, which lie in one or two blocks of the stream, or
// of one.
#import lib/weight.wgsl
#ifdef QUADS
#import lib/stream_quad.wgsl
#import lib/window.wgsl

fn weight_value(lane: Lane, i: u32) -> vec4<f32> {
    let at = lane.weight_base + i;
    let base = vec4<f32>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]);
    if PERTURB == 0u {
        return base;
    }
    let key = vec2<u32>(lane.seed_lo, lane.seed_hi);
    if PERTURB == 1u {
        let block = i >> 7u;
        let a = rademacher_block(key, block, 0u);
        var b = a;
        if (i & 127u) > 124u {
            b = rademacher_block(key, block + 1u, 0u);
        }
        var signs: vec4<f32>;
        for (var k = 0u; k < 4u; k += 1u) {
            let e = i + k;
            let words = select(a, b, (e >> 7u) != block);
            signs[k] = rademacher_sign(words[(e >> 5u) & 3u], e & 31u);
        }
        return base + lane.coef * signs;
    }
    let a = stream_quad(PERTURB - 1u, key, vec2<u32>(i >> 2u, 0u));
    var b = a;
    if (i & 3u) != 0u {
        b = stream_quad(PERTURB - 1u, key, vec2<u32>((i >> 2u) + 1u, 0u));
    }
    return base + lane.coef * window(a, b, i & 3u);
}
#else

fn weight_value(lane: Lane, i: u32) -> f32 {
    return weight_at(lane, i);
}
#endif
