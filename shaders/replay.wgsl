// Exact replay of rademacher probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j) in i32, then
// w_i = w_i + f32(acc) * 2^-E.
// A thread owns the 128 weights of a Philox block and their sums, in registers.
// 64 threads a workgroup, folded over x and y.
// Traffic: 8 bytes a weight and 16 bytes a probe and thread (subgroup tier: and 4 threads), from caches.
#import lib/stream.wgsl
#import lib/replay.wgsl
#import lib/probes.wgsl
#import lib/exact_add.wgsl
#import lib/word_sums.wgsl

fn store_quad(at: u32, sum: vec4<i32>) {
    if at < params.weights {
        let old = load_weights(at);
        store_weights(at, old, add_exact4(old, sum, params.factor));
    }
}

fn store_word(at: u32, s: WordSums) {
    store_quad(at, s.a);
    store_quad(at + 4u, s.b);
    store_quad(at + 8u, s.c);
    store_quad(at + 12u, s.d);
    store_quad(at + 16u, s.e);
    store_quad(at + 20u, s.f);
    store_quad(at + 24u, s.g);
    store_quad(at + 28u, s.h);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = params.first + ((id.y * groups.x + id.x) * 64u + lane) * 128u;
    let block = i >> 7u;
    var x: WordSums;
    var y: WordSums;
    var z: WordSums;
    var w: WordSums;
    for (var j = 0u; j < params.probes; j += 4u) {
        let own = own_probe(j);
        let a = probe(own, j, 0u);
        let b = probe(own, j, 1u);
        let c = probe(own, j, 2u);
        let d = probe(own, j, 3u);
        let q = Signed4(
            bitcast<vec4<i32>>(vec4<u32>(a.z, b.z, c.z, d.z)),
            bitcast<vec4<i32>>(vec4<u32>(a.w, b.w, c.w, d.w)),
        );
        let s = rademacher_block(a.xy, block, 0u);
        let t = rademacher_block(b.xy, block, 0u);
        let u = rademacher_block(c.xy, block, 0u);
        let v = rademacher_block(d.xy, block, 0u);
        x = added(x, q, vec4<u32>(s.x, t.x, u.x, v.x));
        y = added(y, q, vec4<u32>(s.y, t.y, u.y, v.y));
        z = added(z, q, vec4<u32>(s.z, t.z, u.z, v.z));
        w = added(w, q, vec4<u32>(s.w, t.w, u.w, v.w));
    }
    store_word(i, x);
    store_word(i + 32u, y);
    store_word(i + 64u, z);
    store_word(i + 96u, w);
}
