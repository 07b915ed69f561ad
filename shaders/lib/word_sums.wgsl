// Sums of the 32 weights of a Rademacher word, in registers: members by name, so that no index is left to run time (a software
// adapter gathers and scatters indexed private arrays, some GPUs put them in memory).
struct WordSums {
    a: vec4<i32>,
    b: vec4<i32>,
    c: vec4<i32>,
    d: vec4<i32>,
    e: vec4<i32>,
    f: vec4<i32>,
    g: vec4<i32>,
    h: vec4<i32>,
}

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
