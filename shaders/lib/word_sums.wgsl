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

// The probe's value by the sign of each bit, which `up` lifts to the top.
fn picked(plus: i32, minus: i32, word: u32, up: vec4<u32>) -> vec4<i32> {
    return select(vec4<i32>(minus), vec4<i32>(plus), bitcast<vec4<i32>>(vec4<u32>(word) << up) < vec4<i32>());
}

fn added4(sum: vec4<i32>, q: Signed4, w: vec4<u32>, up: u32) -> vec4<i32> {
    let by = vec4<u32>(up) - vec4<u32>(0u, 1u, 2u, 3u);
    return sum + picked(q.plus.x, q.minus.x, w.x, by) + picked(q.plus.y, q.minus.y, w.y, by)
        + picked(q.plus.z, q.minus.z, w.z, by) + picked(q.plus.w, q.minus.w, w.w, by);
}

// With the words of four probes added: a visit of a sum may cost a load and a store.
fn added(s: WordSums, q: Signed4, w: vec4<u32>) -> WordSums {
    return WordSums(
        added4(s.a, q, w, 31u),
        added4(s.b, q, w, 27u),
        added4(s.c, q, w, 23u),
        added4(s.d, q, w, 19u),
        added4(s.e, q, w, 15u),
        added4(s.f, q, w, 11u),
        added4(s.g, q, w, 7u),
        added4(s.h, q, w, 3u),
    );
}
