// Functions of f32 and of rows of them: exponential and its kin, ReLU, softmax, powers of two; the chains of multiply-adds that the bench
// times.

#section elementary
// exp, log, log1p, tanh and erf in f32, to a few ulp: WGSL's own promise too little for differences of losses.
// Mirrors src/kernels/lib/math.rs operation by operation: change both or neither. NaN passes through: limits are set by
// comparisons, which NaN fails, not by min and max, which may drop it.

// 2^n for -200 <= n <= 200 times p, in two factors that are normal numbers.
fn scale_exp2(p: f32, n: i32) -> f32 {
    let a = n >> 1u;
    let b = n - a;
    return p * bitcast<f32>(u32(a + 127) << 23u) * bitcast<f32>(u32(b + 127) << 23u);
}

// n = round(x / ln 2), the rest by Cephes' polynomial; ln 2 is split so that n times its head is exact.
fn exp_f32(given: f32) -> f32 {
    var x = select(given, 110.0f, given > 110.0f);
    x = select(x, -110.0f, x < -110.0f);
    let n = floor(x * 1.442695f + 0.5f);
    let r = (x - n * 0.693359375f) - n * -2.1219444e-4f;
    let p = ((((1.9875691e-4f * r + 1.3981999e-3f) * r + 8.333452e-3f) * r + 4.1665796e-2f) * r + 1.6666665e-1f) * r + 5.0000001e-1f;
    return scale_exp2(p * (r * r) + r + 1.0f, clamp(i32(n), -200, 200));
}

// ln(1 + f) - f for sqrt(1/2) <= 1 + f < sqrt(2), Cephes' polynomial.
fn log_rest(f: f32) -> f32 {
    let z = f * f;
    let p = (((((((7.0376836e-2f * f - 1.151461e-1f) * f + 1.1676999e-1f) * f - 1.2420141e-1f) * f + 1.4249323e-1f) * f
        - 1.6668057e-1f) * f + 2.0000715e-1f) * f - 2.4999994e-1f) * f + 3.333333e-1f;
    return f * z * p - 0.5f * z;
}

// x is positive and normal; infinity and NaN come back as they are.
fn log_f32(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    if (bits & 0x7fffffffu) >= 0x7f800000u {
        return x;
    }
    // The exponent that leaves a fraction in [sqrt(1/2), sqrt(2)).
    let e = i32(bits - 0x3f3504f3u) >> 23u;
    let f = bitcast<f32>(bits - (u32(e) << 23u)) - 1.0f;
    let n = f32(e);
    let y = log_rest(f) + n * -2.1219444e-4f;
    return (f + y) + n * 0.693359375f;
}

// ln(1 + x) for x > -1: small x keep all their digits.
fn log1p_f32(x: f32) -> f32 {
    if x > -0.29f && x < 0.41f {
        return x + log_rest(x);
    }
    return log_f32(1.0f + x);
}

fn tanh_f32(x: f32) -> f32 {
    let a = abs(x);
    if a < 0.625f {
        let z = x * x;
        let p = (((-5.7049887e-3f * z + 2.0639089e-2f) * z - 5.3739716e-2f) * z + 1.3331442e-1f) * z - 3.3333282e-1f;
        return p * z * x + x;
    }
    let t = 1.0f - 2.0f / (exp_f32(2.0f * select(a, 10.0f, a > 10.0f)) + 1.0f);
    return select(t, -t, x < 0.0f);
}

// Two polynomials, that of the tail in the exponent of 1 - exp.
fn erf_f32(x: f32) -> f32 {
    let a = abs(x);
    if a <= 0.927734375f {
        let s = x * x;
        let p = ((((-5.967617e-4f * s + 4.9911942e-3f) * s - 2.6768135e-2f) * s + 1.1281993e-1f) * s - 3.7612534e-1f) * s + 1.2837917e-1f;
        return p * x + x;
    }
    let t = select(a, 4.0f, a > 4.0f);
    let s = t * t;
    var p = (-1.7285347e-5f * t + 3.8319713e-4f) * s + (-3.8839644e-3f * t + 2.4254622e-2f);
    p = ((p * t - 1.0677788e-1f) * t - 6.348467e-1f) * t - 1.2871751e-1f;
    let r = 1.0f - exp_f32(p * t - t);
    return select(r, -r, x < 0.0f);
}

#section rectify
// ReLU. NaN fails the comparison and comes through: a probe or a loss that isn't a number is told, never a number by accident.
fn rectify(v: f32) -> f32 {
    return select(v, 0.0f, v < 0.0f);
}

#section softmax
// A row of `classes` logits, from `first` on: its first maximum, and the sum over the other classes, in order, of exp(logit - maximum).
// The importer declares the operand `logits`. Four classes a step: llvmpipe ends the loops of an invocation, without a word, after
// 65,535 steps in all of them together.
// MASKED: a class that the lane's client doesn't hold counts as the lowest number, whose exponential is 0. The importer declares `masks`, a
// bit a class in whole words a client, and sets `mask_first`, the lane's first word.
#import lib/math.wgsl:elementary

struct Row {
    best: u32,
    most: f32,
    sum: f32,
}

#ifdef MASKED
var<private> mask_first: u32;

fn logit(first: u32, c: u32) -> f32 {
    let held = (masks[mask_first + (c >> 5u)] >> (c & 31u)) & 1u;
    return select(-3.4028235e38f, logits_at(first + c), held != 0u);
}
#else
fn logit(first: u32, c: u32) -> f32 {
    return logits_at(first + c);
}
#endif

// exp(logit - maximum) of a class; 0 for the maximum and beyond the last class.
fn other_exp(row: Row, first: u32, c: u32, classes: u32) -> f32 {
    let e = exp_f32(logit(first, min(c, classes - 1u)) - row.most);
    return select(e, 0.0f, c == row.best || c >= classes);
}

// A class beyond the last reads the last again, which is no larger than itself.
fn larger(row: Row, first: u32, c: u32, classes: u32) -> Row {
    let v = logit(first, min(c, classes - 1u));
    if v > row.most {
        return Row(c, v, 0.0f);
    }
    return row;
}

fn softmax_row(first: u32, classes: u32) -> Row {
    var row = Row(0u, logit(first, 0u), 0.0f);
    for (var c = 1u; c < classes; c += 4u) {
        row = larger(row, first, c, classes);
        row = larger(row, first, c + 1u, classes);
        row = larger(row, first, c + 2u, classes);
        row = larger(row, first, c + 3u, classes);
    }
    var sum = 0.0f;
    for (var c = 0u; c < classes; c += 4u) {
        sum += other_exp(row, first, c, classes);
        sum += other_exp(row, first, c + 1u, classes);
        sum += other_exp(row, first, c + 2u, classes);
        sum += other_exp(row, first, c + 3u, classes);
    }
    row.sum = sum;
    return row;
}

#section scales
// Powers of two as the bits of an f32 (src/kernels/lib/scales.rs).

// 1 / x, exactly, which a division needn't give.
fn reciprocal(bits: u32) -> f32 {
    return bitcast<f32>(0x7f000000u - bits);
}

#section chains
// a = a * b + c in 12 independent chains a thread, 16 steps an iteration, for the arithmetic ceilings of the bench.
// The steps are unrolled by hand: where a compiler keeps a loop of few steps, its own cost is what is measured.
// Threads of 64 a workgroup; each runs 192 x iterations multiply-adds in registers and stores one number, so that nothing is dropped.
// Traffic: 4 bytes written a thread.
//
// A kernel that imports this defines the type Number.
struct Params {
    b: Number,
    c: Number,
    iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<Number>;

struct Chains {
    x: vec4<Number>,
    y: vec4<Number>,
    z: vec4<Number>,
}

fn step(a: Chains, b: Number, c: Number) -> Chains {
    return Chains(a.x * b + c, a.y * b + c, a.z * b + c);
}

fn steps4(a: Chains, b: Number, c: Number) -> Chains {
    return step(step(step(step(a, b, c), b, c), b, c), b, c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let thread = id.x * 64u + t;
    let b = params.b;
    let c = params.c;
    let start = vec4<Number>(Number(thread)) + vec4<Number>(0, 1, 2, 3);
    var a = Chains(start, start + vec4<Number>(4), start + vec4<Number>(8));
    for (var k = 0u; k < params.iterations; k++) {
        a = steps4(steps4(steps4(steps4(a, b, c), b, c), b, c), b, c);
    }
    let sum = a.x + a.y + a.z;
    out[thread] = (sum.x + sum.y) + (sum.z + sum.w);
}
