// Exact replay of rademacher probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j) in i32, then
// w_i = w_i + f32(acc) * 2^-E.
// A thread owns the 128 weights of a Philox block and their sums, in registers.
// 64 threads a workgroup, folded over x and y; z: owners (lib/replay.wgsl:bindings).
// Traffic: 8 bytes a weight and 16 bytes a probe and thread (subgroup tier: and 4 threads), from caches.
#import lib/stream.wgsl:elements
#import lib/replay.wgsl:bindings
#import lib/replay.wgsl:probes
#import lib/replay.wgsl:word_sums

alias Sum4 = vec4<i32>;

// q or -q, of four probes.
struct Signed4 {
    plus: vec4<i32>,
    minus: vec4<i32>,
}

// The probe's value by the sign of each bit. Tests of bits, not shifts: a compiler would fold a shift into Philox's last product.
fn picked(plus: i32, minus: i32, word: u32, bits: vec4<u32>) -> vec4<i32> {
    return select(vec4<i32>(plus), vec4<i32>(minus), (vec4<u32>(word) & bits) == vec4<u32>());
}

fn added4(sum: vec4<i32>, q: Signed4, w: vec4<u32>, first: u32) -> vec4<i32> {
    let bits = vec4<u32>(1u, 2u, 4u, 8u) << vec4<u32>(first);
    return sum + picked(q.plus.x, q.minus.x, w.x, bits) + picked(q.plus.y, q.minus.y, w.y, bits)
        + picked(q.plus.z, q.minus.z, w.z, bits) + picked(q.plus.w, q.minus.w, w.w, bits);
}

// With the words of four probes added: a visit of a sum may cost a load and a store.
fn added(s: WordSums, q: Signed4, w: vec4<u32>) -> WordSums {
    return WordSums(
        added4(s.a, q, w, 0u),
        added4(s.b, q, w, 4u),
        added4(s.c, q, w, 8u),
        added4(s.d, q, w, 12u),
        added4(s.e, q, w, 16u),
        added4(s.f, q, w, 20u),
        added4(s.g, q, w, 24u),
        added4(s.h, q, w, 28u),
    );
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.z);
    let i = params.first + ((id.y * groups.x + id.x) * 64u + thread) * 128u;
    let block = i >> 7u;
    let mine = place();
    var x: WordSums;
    var y: WordSums;
    var z: WordSums;
    var w: WordSums;
    for (var j = 0u; j < params.probes; j += 4u) {
        let own = own_probe(j, mine);
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
