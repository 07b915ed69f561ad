// Exact replay of rademacher probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j) in i32, then
// w_i = w_i + f32(acc) * 2^-E.
// A thread owns the 128 weights of a Philox block and their sums. A sign is a mask: sum_j q_j e_ij = 2 sum_j (q_j and -bit_ij) - sum_j q_j.
// 64 threads a workgroup, folded over x and y.
// Traffic: 8 bytes a weight and 16 bytes a probe and thread (subgroup tier: and 4 threads), from caches.
#import lib/stream.wgsl
#import lib/replay.wgsl
#import lib/probes.wgsl
#import lib/exact_add.wgsl

alias Sums = array<vec4<i32>, 32>;

// q where the bit is set, of four neighbouring bits.
fn masked(q: u32, bits: u32) -> vec4<i32> {
    let top = vec4<u32>(bits) << vec4<u32>(31u, 30u, 29u, 28u);
    return vec4<i32>(bitcast<i32>(q)) & (bitcast<vec4<i32>>(top) >> vec4<u32>(31u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.first + ((id.y * groups.x + id.x) * 64u + lane) * 128u;
    let block = i >> 7u;
    var sums: Sums;
    var total = 0i;
    for (var j = 0u; j < params.probes; j += 4u) {
        let own = own_probe(j);
        let a = probe(own, j, 0u);
        let b = probe(own, j, 1u);
        let c = probe(own, j, 2u);
        let d = probe(own, j, 3u);
        total += bitcast<i32>(a.z + b.z + c.z + d.z);
        let x = rademacher_block(a.xy, block, 0u);
        let y = rademacher_block(b.xy, block, 0u);
        let z = rademacher_block(c.xy, block, 0u);
        let w = rademacher_block(d.xy, block, 0u);
        // Four probes at a time: the sums don't all fit in registers, so each visit costs a load and a store.
        for (var k = 0u; k < 32u; k++) {
            let word = k >> 3u;
            let bit = (k & 7u) * 4u;
            sums[k] += masked(a.z, x[word] >> bit) + masked(b.z, y[word] >> bit)
                + masked(c.z, z[word] >> bit) + masked(d.z, w[word] >> bit);
        }
    }
    for (var k = 0u; k < 32u; k++) {
        let at = i + k * 4u;
        if at < params.weights {
            store_weights(at, add_exact4(weights[at >> 2u], 2 * sums[k] - vec4<i32>(total), params.factor));
        }
    }
}
