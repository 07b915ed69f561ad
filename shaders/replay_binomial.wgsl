// Exact replay of binomial probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j) in i32, then
// w_i = w_i + f32(acc) * 2^-E.
// A thread owns 16 weights, four Philox blocks. 64 threads a workgroup, folded over x and y; z: owners (lib/replay.wgsl:bindings).
// Traffic: 8 bytes a weight and 16 bytes a probe and thread (subgroup tier: and 4 threads), from caches.
#import lib/stream.wgsl:elements
#import lib/replay.wgsl:bindings
#import lib/replay.wgsl:probes
#import lib/exact.wgsl:add

alias Sums = array<vec4<i32>, 4>;

fn accumulate(sums: ptr<function, Sums>, p: vec4<u32>, i: u32) {
    for (var k = 0u; k < 4u; k++) {
        (*sums)[k] += bitcast<i32>(p.z) * binomial_block_i32(p.xy, (i >> 2u) + k, 0u);
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
            store_weights(at, old, add_exact4(old, sums[k], factor()));
        }
    }
}
