// exp, log, log1p, tanh and erf in f32, to a few ulp: WGSL's own promise too little for differences of losses.
// Mirrors src/reference/math.rs operation by operation: change both or neither. NaN passes through: limits are set by
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
