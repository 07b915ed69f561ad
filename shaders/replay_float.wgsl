// Replay in f32, of any distribution: acc = sum_j a_j e_i(seed_j) in the order of the probes, then w_i = w_i + acc.
// On cleared weights this gives the sum itself, for optimisers with state.
// A thread owns 16 weights: four Philox blocks, or an eighth of a block of signs. 64 threads a workgroup, folded over x and y; z:
// owners (lib/replay.wgsl:bindings).
// Traffic: 8 bytes a weight and 16 bytes a probe and thread (subgroup tier: and 4 threads), from caches.
#import lib/stream.wgsl:quad
#import lib/replay.wgsl:bindings
#import lib/replay.wgsl:probes

override DIST: u32 = 2u; // a stream number

alias Sums = array<vec4<f32>, 4>;

fn signs(bits: u32) -> vec4<f32> {
    let top = vec4<u32>(bits) << vec4<u32>(31u, 30u, 29u, 28u);
    return bitcast<vec4<f32>>(vec4<u32>(0xBF800000u) ^ (top & vec4<u32>(0x80000000u)));
}

fn accumulate(sums: ptr<function, Sums>, p: vec4<u32>, i: u32) {
    let a = bitcast<f32>(p.z);
    if DIST == RADEMACHER {
        let bits = rademacher_block(p.xy, i >> 7u, 0u)[(i >> 5u) & 3u] >> (i & 31u);
        for (var k = 0u; k < 4u; k++) {
            (*sums)[k] += a * signs(bits >> (k * 4u));
        }
    } else {
        for (var k = 0u; k < 4u; k++) {
            (*sums)[k] += a * stream_quad(DIST, p.xy, vec2<u32>((i >> 2u) + k, 0u));
        }
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.z);
    let i = params.first + ((id.y * groups.x + id.x) * 64u + thread) * 16u;
    let mine = place();
    var sums: Sums;
    for (var j = 0u; j < params.probes; j += 4u) {
        let own = own_probe(j, mine);
        accumulate(&sums, probe(own, j, 0u), i);
        accumulate(&sums, probe(own, j, 1u), i);
        accumulate(&sums, probe(own, j, 2u), i);
        accumulate(&sums, probe(own, j, 3u), i);
    }
    for (var k = 0u; k < 4u; k++) {
        let at = i + k * 4u;
        if at < params.weights {
            let old = load_weights(at);
            store_weights(at, old, bitcast<vec4<u32>>(bitcast<vec4<f32>>(old) + sums[k]));
        }
    }
}
