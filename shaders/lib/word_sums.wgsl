// Sums of the 32 weights of a Rademacher word, for kernels that import lib/replay.wgsl. In registers: members by name, so that no index
// is left to run time (a software adapter gathers and scatters indexed private arrays, some GPUs put them in memory).
#import lib/exact_add.wgsl

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

fn store_sums(at: u32, sum: vec4<i32>) {
    if at < params.weights {
        let old = load_weights(at);
        store_weights(at, old, add_exact4(old, sum, factor()));
    }
}

// Adds the sums to the 32 weights from element `at` on.
fn store_word(at: u32, s: WordSums) {
    store_sums(at, s.a);
    store_sums(at + 4u, s.b);
    store_sums(at + 8u, s.c);
    store_sums(at + 12u, s.d);
    store_sums(at + 16u, s.e);
    store_sums(at + 20u, s.f);
    store_sums(at + 24u, s.g);
    store_sums(at + 28u, s.h);
}
