// The bindings of the replay kernels: a probe is (seed low, seed high, value, minus), an i32 q and -q, or the bits of an f32 a and 0.
#operand @binding(1) probes: vec4<u32>

struct Params {
    probes: u32,
    weights: u32, // the element behind the last of this launch; those from it on in the last vec4 stay
    first: u32,   // first element of this launch, the first that is bound; a multiple of 128
    factor: u32,  // bits of 2^-E (exact replay)
    once: u32,    // 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> weights: array<vec4<u32>>;

// Probe j; beyond the last, zeros.
fn listed_probe(j: u32) -> vec4<u32> {
    return select(vec4<u32>(), probes_at(min(j, params.probes - 1u)), j < params.probes);
}

// The vec4 whose first element is i; where texels are read, as it was copied before the launch.
#ifdef TEXELS
#operand @binding(3) before: vec4<u32>

fn load_weights(i: u32) -> vec4<u32> {
    return before_at((i - params.first) >> 2u);
}
#else
fn load_weights(i: u32) -> vec4<u32> {
    return weights[(i - params.first) >> 2u];
}
#endif

// Stores the vec4 whose first element is i, as far as it belongs to the launch; the rest stays `old`.
fn store_weights(i: u32, old: vec4<u32>, value: vec4<u32>) {
    let inside = vec4<u32>(i) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.weights);
    weights[(i - params.first) >> 2u] = select(old, value, inside);
}
