// The perturbation stream: Philox, the elements of its distributions, positions in it. Weights that it perturbs: lib/weights.wgsl.

#section mulhi
// High word of a 32 x 32 bit product.
#ifdef SUBGROUP
// By one wide multiplication: the tier has native 64-bit integers.
fn mulhi(a: u32, b: u32) -> u32 {
    return u32((u64(a) * u64(b)) >> 32u);
}
#else
// From 16-bit halves.
fn mulhi(a: u32, b: u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let low = a0 * b0;
    // Neither sum can overflow: (2^16 - 1)^2 + 2^16 - 1 < 2^32.
    let mid = a1 * b0 + (low >> 16u);
    let cross = a0 * b1 + (mid & 0xffffu);
    return a1 * b1 + (mid >> 16u) + (cross >> 16u);
}
#endif

#section philox
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011).
#import lib/stream.wgsl:mulhi

// 1: both words of a product by one wide multiplication, what GPUs have an instruction for.
const WIDE: u32 = 0u;

// (low word, high word).
fn product(a: u32, b: u32) -> vec2<u32> {
#ifdef SUBGROUP
    if WIDE == 1u {
        let both = u64(a) * u64(b);
        return vec2<u32>(u32(both), u32(both >> 32u));
    }
#endif
    return vec2<u32>(a * b, mulhi(a, b));
}

fn philox_round(key: vec2<u32>, ctr: vec4<u32>) -> vec4<u32> {
    let a = product(0xCD9E8D57u, ctr.z);
    let b = product(0xD2511F53u, ctr.x);
    return vec4<u32>(a.y ^ ctr.y ^ key.x, a.x, b.y ^ ctr.w ^ key.y, b.x);
}

// Unrolled by hand: compilers keep the loop otherwise, and the key schedule is then computed at run time.
fn philox(key: vec2<u32>, ctr: vec4<u32>) -> vec4<u32> {
    let bump = vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    var k = key;
    var c = philox_round(k, ctr);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    c = philox_round(k, c);
    k += bump;
    return philox_round(k, c);
}

#section elements
// Elements of the perturbation stream, version 1. A key is a seed's (low word, high word), a block its (low, high).
// Mirrors src/stream operation by operation: change both or neither.
#import lib/stream.wgsl:philox

const RADEMACHER: u32 = 0u;
const BINOMIAL: u32 = 1u;
const GAUSSIAN: u32 = 2u;
const UNIFORM: u32 = 3u;

// 128 signs, element i in word (i >> 5) & 3, bit i & 31; bit 1 is +1.
fn rademacher_block(key: vec2<u32>, block_lo: u32, block_hi: u32) -> vec4<u32> {
    return philox(key, vec4<u32>(block_lo, block_hi, RADEMACHER, 0u));
}

// The sign of one bit of a Rademacher word as +1.0 or -1.0, made from the bits: no branch, no conversion.
fn rademacher_sign(word: u32, bit: u32) -> f32 {
    return bitcast<f32>(0xBF800000u ^ (((word >> bit) & 1u) << 31u));
}

// Four elements in [-16, 16] as integers.
fn binomial_block_i32(key: vec2<u32>, block_lo: u32, block_hi: u32) -> vec4<i32> {
    let x = philox(key, vec4<u32>(block_lo, block_hi, BINOMIAL, 0u));
    return vec4<i32>(countOneBits(x)) - vec4<i32>(16);
}

fn binomial_block(key: vec2<u32>, block_lo: u32, block_hi: u32) -> vec4<f32> {
    return vec4<f32>(binomial_block_i32(key, block_lo, block_hi));
}

// -2 ln(n / 2^24) for 1 <= n <= 2^24. The fraction is taken from the integer, so n next to 2^24 loses nothing:
// n / 2^24 = (1 + f) 2^e with f in [-1/4, 1/2) exact, ln(1 + f) = 2 atanh(f / (2 + f)).
fn minus_two_ln(n: u32) -> f32 {
    let lz = countLeadingZeros(n);
    let v = n << (lz - 7u);
    let upper = v >= 25165824u;
    let f = select(f32(i32(v) - 16777216) * 5.9604644775390625e-8f, f32(i32(v) - 33554432) * 2.98023223876953125e-8f, upper);
    let e = select(7.0f, 8.0f, upper) - f32(lz);
    let s = f / (2.0f + f);
    let t = s * s;
    let p = 2.0f + t * (0.6666667f + t * (0.4f + t * (0.2857143f + t * 0.22222222f)));
    return -2.0f * (e * 0.6931472f + s * p);
}

// sqrt(0) is 1 / inverseSqrt(0) on some devices: kept away from it.
fn safe_sqrt(x: f32) -> f32 {
    return select(0.0f, sqrt(max(x, 1.0e-20f)), x > 0.0f);
}

// (cos, sin) of 2 pi k / 2^24, k < 2^24: the quarter turn from the integer, polynomials on [-pi/4, pi/4].
fn cos_sin_turn(k: u32) -> vec2<f32> {
    let shifted = k + 2097152u;
    let quarter = (shifted >> 22u) & 3u;
    let x = f32(i32(shifted & 4194303u) - 2097152) * 3.7450704e-7f;
    let t = x * x;
    let s = x + x * t * (-0.16666667f + t * (0.008333334f + t * (-0.0001984127f + t * 2.7557319e-6f)));
    let c = 1.0f + t * (-0.5f + t * (0.041666668f + t * (-0.0013888889f + t * 2.4801588e-5f)));
    let swap = (quarter & 1u) == 1u;
    let a = select(c, s, swap);
    let b = select(s, c, swap);
    return vec2<f32>(
        select(a, -a, quarter == 1u || quarter == 2u),
        select(b, -b, quarter >= 2u),
    );
}

// Box-Muller: two elements from two words.
fn gaussian_pair(a: u32, b: u32) -> vec2<f32> {
    let r = safe_sqrt(minus_two_ln((a >> 8u) + 1u));
    return r * cos_sin_turn(b >> 8u);
}

fn gaussian_block(key: vec2<u32>, block_lo: u32, block_hi: u32) -> vec4<f32> {
    let x = philox(key, vec4<u32>(block_lo, block_hi, GAUSSIAN, 0u));
    return vec4<f32>(gaussian_pair(x.x, x.y), gaussian_pair(x.z, x.w));
}

fn uniform_block(key: vec2<u32>, block_lo: u32, block_hi: u32) -> vec4<f32> {
    let x = philox(key, vec4<u32>(block_lo, block_hi, UNIFORM, 0u));
    return vec4<f32>(vec4<i32>(2u * (x >> vec4<u32>(8u)) + vec4<u32>(1u)) - vec4<i32>(16777216)) * 5.9604644775390625e-8f;
}

// Element i = (i_hi, i_lo) of a distribution given by its stream number (gaussian also for sphere).
fn stream_element(dist: u32, key: vec2<u32>, i_lo: u32, i_hi: u32) -> f32 {
    if dist == RADEMACHER {
        let words = rademacher_block(key, (i_lo >> 7u) | (i_hi << 25u), i_hi >> 7u);
        return rademacher_sign(words[(i_lo >> 5u) & 3u], i_lo & 31u);
    }
    let block_lo = (i_lo >> 2u) | (i_hi << 30u);
    let block_hi = i_hi >> 2u;
    var values: vec4<f32>;
    if dist == BINOMIAL {
        values = binomial_block(key, block_lo, block_hi);
    } else if dist == GAUSSIAN {
        values = gaussian_block(key, block_lo, block_hi);
    } else {
        values = uniform_block(key, block_lo, block_hi);
    }
    return values[i_lo & 3u];
}

#section quad
// A whole block of four numbers of a distribution given by its stream number. Called with a constant, only that branch remains.
#import lib/stream.wgsl:elements

fn stream_quad(dist: u32, key: vec2<u32>, block: vec2<u32>) -> vec4<f32> {
    if dist == BINOMIAL {
        return binomial_block(key, block.x, block.y);
    } else if dist == GAUSSIAN {
        return gaussian_block(key, block.x, block.y);
    }
    return uniform_block(key, block.x, block.y);
}

#section position
// 64-bit positions of the stream as (low, high) pairs of u32; sums wrap at 2^64.
fn position_add(position: vec2<u32>, by: u32) -> vec2<u32> {
    let lo = position.x + by;
    return vec2<u32>(lo, position.y + select(0u, 1u, lo < by));
}

fn position_shift(position: vec2<u32>, by: u32) -> vec2<u32> {
    return vec2<u32>((position.x >> by) | (position.y << (32u - by)), position.y >> by);
}
