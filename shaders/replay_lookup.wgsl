// Exact replay of rademacher probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j) in i32, then
// w_i = w_i + f32(acc) * 2^-E. Three probes at a time by a table in the subgroup, of at least eight: invocation m < 8 holds
// sum_k (bit k of m ? q_k : -q_k), and three bits of the stream pick an entry by a shuffle. Four instructions for three probes; a
// selection and an addition a probe (replay.wgsl) are three each.
// PASS: probes of a pass of the loop, six, or three where there are no more.
// A thread owns the 128 weights of a Philox block and their sums, in registers.
// 8 threads a workgroup, folded over x and y; z: owners (lib/replay.wgsl:bindings).
// Traffic: 8 bytes a weight, from caches 16 bytes a probe and subgroup.
#import lib/stream.wgsl:elements
#import lib/replay.wgsl:bindings
#import lib/lanes.wgsl:subgroup_place
#import lib/replay.wgsl:word_sums

const PASS: u32 = 6u;

alias Sum4 = vec4<i32>;

// Words of three probes as fields of four bits, a weight each: field r of word b holds the three bits of weight 4 r + b.
fn fields(a: u32, b: u32, c: u32) -> vec4<u32> {
    let w = vec4<u32>(a, b, c, 0u);
    let t = ((w.xy >> vec2<u32>(2u)) ^ w.zw) & vec2<u32>(0x33333333u);
    let z = w.zw ^ t;
    let x = w.xy ^ (t << vec2<u32>(2u));
    let even = vec2<u32>(x.x, z.x);
    let odd = vec2<u32>(x.y, z.y);
    let u = ((even >> vec2<u32>(1u)) ^ odd) & vec2<u32>(0x55555555u);
    let o = odd ^ u;
    let e = even ^ (u << vec2<u32>(1u));
    return vec4<u32>(e.x, o.x, e.y, o.y);
}

fn added1(sum: i32, p: i32, q: i32, f: u32, g: u32, shift: u32) -> i32 {
    let s = sum + subgroupShuffle(p, (f >> shift) & 7u);
    if (PASS == 3u) {
        return s;
    }
    return s + subgroupShuffle(q, (g >> shift) & 7u);
}

// Of weights 4 r to 4 r + 3, shift = 4 r.
fn added4(sum: vec4<i32>, p: i32, q: i32, f: vec4<u32>, g: vec4<u32>, shift: u32) -> vec4<i32> {
    let a = added1(sum.x, p, q, f.x, g.x, shift);
    let b = added1(sum.y, p, q, f.y, g.y, shift);
    let c = added1(sum.z, p, q, f.z, g.z, shift);
    let d = added1(sum.w, p, q, f.w, g.w, shift);
    return vec4<i32>(a, b, c, d);
}

// With three probes' entries p by the fields f, and three others' q by g.
fn added(s: WordSums, p: i32, q: i32, f: vec4<u32>, g: vec4<u32>) -> WordSums {
    return WordSums(
        added4(s.a, p, q, f, g, 0u),
        added4(s.b, p, q, f, g, 4u),
        added4(s.c, p, q, f, g, 8u),
        added4(s.d, p, q, f, g, 12u),
        added4(s.e, p, q, f, g, 16u),
        added4(s.f, p, q, f, g, 20u),
        added4(s.g, p, q, f, g, 24u),
        added4(s.h, p, q, f, g, 28u),
    );
}

// A probe's q or -q, of (q, -q).
fn signed(q: vec2<u32>, plus: bool) -> i32 {
    return bitcast<i32>(select(q.y, q.x, plus));
}

// The invocation's entry in the table of three probes.
fn entry(a: vec2<u32>, b: vec2<u32>, c: vec2<u32>, bits: vec3<bool>) -> i32 {
    return signed(a, bits.x) + signed(b, bits.y) + signed(c, bits.z);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.z);
    let i = params.first + ((id.y * groups.x + id.x) * 8u + thread) * 128u;
    let block = i >> 7u;
    let mine = subgroup_place() & 7u;
    let bits = (vec3<u32>(mine) & vec3<u32>(1u, 2u, 4u)) != vec3<u32>();
    var x: WordSums;
    var y: WordSums;
    var z: WordSums;
    var w: WordSums;
    var fx: vec4<u32>;
    var fy: vec4<u32>;
    var fz: vec4<u32>;
    var fw: vec4<u32>;
    var gx: vec4<u32>;
    var gy: vec4<u32>;
    var gz: vec4<u32>;
    var gw: vec4<u32>;
    for (var j = 0u; j < params.probes; j += PASS) {
        let own = listed_probe(j + mine);
        let p = entry(subgroupBroadcast(own.zw, 0u), subgroupBroadcast(own.zw, 1u), subgroupBroadcast(own.zw, 2u), bits);
        let q = entry(subgroupBroadcast(own.zw, 3u), subgroupBroadcast(own.zw, 4u), subgroupBroadcast(own.zw, 5u), bits);
        // One pass, in a loop whose end the compiler doesn't know: without it, one that schedules for instructions in flight looks
        // everything up as soon as a block is there and keeps the results in memory.
        for (var k = 0u; k < params.once; k++) {
            let a = rademacher_block(subgroupBroadcast(own.xy, 0u), block, 0u);
            let b = rademacher_block(subgroupBroadcast(own.xy, 1u), block, 0u);
            let c = rademacher_block(subgroupBroadcast(own.xy, 2u), block, 0u);
            fx = fields(a.x, b.x, c.x);
            fy = fields(a.y, b.y, c.y);
            fz = fields(a.z, b.z, c.z);
            fw = fields(a.w, b.w, c.w);
            if (PASS > 3u) {
                let d = rademacher_block(subgroupBroadcast(own.xy, 3u), block, 0u);
                let e = rademacher_block(subgroupBroadcast(own.xy, 4u), block, 0u);
                let f = rademacher_block(subgroupBroadcast(own.xy, 5u), block, 0u);
                gx = fields(d.x, e.x, f.x);
                gy = fields(d.y, e.y, f.y);
                gz = fields(d.z, e.z, f.z);
                gw = fields(d.w, e.w, f.w);
            }
        }
        x = added(x, p, q, fx, gx);
        y = added(y, p, q, fy, gy);
        z = added(z, p, q, fz, gz);
        w = added(w, p, q, fw, gw);
    }
    store_word(i, x);
    store_word(i + 32u, y);
    store_word(i + 64u, z);
    store_word(i + 96u, w);
}
