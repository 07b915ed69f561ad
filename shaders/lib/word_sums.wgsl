// Sums of the 32 weights of a Rademacher word, for kernels that import lib/replay.wgsl and name what four sums are, Sum4: vec4<i32>, or
// vec4<f32>, in which they are exact. In registers: members by name, so that no index is left to run time (a software adapter gathers and
// scatters indexed private arrays, some GPUs put them in memory).
#import lib/exact_add.wgsl

struct WordSums {
    a: Sum4,
    b: Sum4,
    c: Sum4,
    d: Sum4,
    e: Sum4,
    f: Sum4,
    g: Sum4,
    h: Sum4,
}

fn store_sums(at: u32, sum: Sum4) {
    if at < params.weights {
        let old = load_weights(at);
        store_weights(at, old, add_exact4(old, vec4<i32>(sum), factor()));
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
