// Arithmetic on the bits, for numbers that must be the same on every device: f64 by integers, the addition of the exact replay.

#section double
// Magnitudes in f64 by integers, bit for bit what IEEE 754 gives, each operation rounded to nearest even: value = m * 2^e, m in
// [2^52, 2^53), or 0. Neither infinite nor subnormal: whoever calls keeps exponents within the range of an f64.
#import lib/stream.wgsl:mulhi

struct Double {
    lo: u32,
    hi: u32,
    e: i32,
}

// Of an f64's bits (low word, high word), its sign left out: 0 or normal.
fn double_of(bits: vec2<u32>) -> Double {
    let field = (bits.y >> 20u) & 0x7FFu;
    if field == 0u {
        return Double(0u, 0u, 0);
    }
    return Double(bits.x, (bits.y & 0xFFFFFu) | 0x100000u, i32(field) - 1075);
}

// Of a finite f32's bits, its sign left out; subnormal ones too.
fn double_of_single(bits: u32) -> Double {
    let field = (bits >> 23u) & 0xFFu;
    let m = (bits & 0x7FFFFFu) | select(0u, 0x800000u, field != 0u);
    if m == 0u {
        return Double(0u, 0u, 0);
    }
    let up = countLeadingZeros(m);
    let top = m << up; // the highest bit set; 21 places below it is that of `hi`
    return Double(top << 21u, top >> 11u, i32(max(field, 1u)) - 150 - i32(up) - 21);
}

fn is_zero(x: Double) -> bool {
    return x.hi == 0u;
}

// (m + 1 if `half` and what is behind it, or m is odd) * 2^e.
fn rounded(lo: u32, hi: u32, half: bool, behind: bool, e: i32) -> Double {
    let up = select(0u, 1u, half && (behind || (lo & 1u) == 1u));
    let l = lo + up;
    let h = hi + select(0u, 1u, l < lo);
    // A carry out of the top leaves zeros.
    return Double(l, select(h, 0x100000u, h == 0x200000u), select(e, e + 1, h == 0x200000u));
}

fn multiplied(x: Double, y: Double) -> Double {
    if is_zero(x) || is_zero(y) {
        return Double(0u, 0u, 0);
    }
    // x with its highest bit in the word's: the product's upper half then lies in [2^51, 2^53).
    let x1 = (x.hi << 11u) | (x.lo >> 21u);
    let x0 = x.lo << 11u;
    let cross = x0 * y.hi;
    let other = x1 * y.lo;
    let middle = mulhi(x0, y.lo) + cross;
    let w1 = middle + other;
    let carry = select(0u, 1u, middle < cross) + select(0u, 1u, w1 < other);
    let first = mulhi(x0, y.hi) + mulhi(x1, y.lo);
    // Below 2^53 in all: of the sums of high words only these can carry.
    let carried = select(0u, 1u, first < mulhi(x1, y.lo));
    let second = first + x1 * y.hi;
    let w2 = second + carry;
    let w3 = mulhi(x1, y.hi) + carried + select(0u, 1u, second < first) + select(0u, 1u, w2 < second);
    let w0 = x0 * y.lo;
    if w3 >= 0x100000u {
        return rounded(w2, w3, (w1 >> 31u) == 1u, ((w1 << 1u) | w0) != 0u, x.e + y.e + 53);
    }
    let lo = (w2 << 1u) | (w1 >> 31u);
    let hi = (w3 << 1u) | (w2 >> 31u);
    return rounded(lo, hi, ((w1 >> 30u) & 1u) == 1u, ((w1 << 2u) | w0) != 0u, x.e + y.e + 52);
}

// By a `y` that is not 0.
fn divided(x: Double, y: Double) -> Double {
    if is_zero(x) {
        return x;
    }
    var lo = x.lo;
    var hi = x.hi;
    let less = hi < y.hi || (hi == y.hi && lo < y.lo);
    if less {
        hi = (hi << 1u) | (lo >> 31u);
        lo <<= 1u;
    }
    // A bit a pass: the one before the point, 52 behind it, and the half.
    var q = vec2<u32>();
    for (var k = 0u; k < 54u; k++) {
        let fits = hi > y.hi || (hi == y.hi && lo >= y.lo);
        let borrow = select(0u, 1u, lo < y.lo);
        let l = select(lo, lo - y.lo, fits);
        let h = select(hi, hi - y.hi - borrow, fits);
        q = vec2<u32>((q.x << 1u) | select(0u, 1u, fits), (q.y << 1u) | (q.x >> 31u));
        hi = (h << 1u) | (l >> 31u);
        lo = l << 1u;
    }
    let half = (q.x & 1u) == 1u;
    return rounded((q.x >> 1u) | (q.y << 31u), q.y >> 1u, half, (lo | hi) != 0u, x.e - y.e - select(52, 53, less));
}

fn added(x: Double, y: Double) -> Double {
    if is_zero(x) {
        return y;
    }
    if is_zero(y) {
        return x;
    }
    var a = x;
    var b = y;
    if x.e < y.e {
        a = y;
        b = x;
    }
    let d = u32(a.e - b.e);
    if d > 54u {
        return a;
    }
    // Both ten places up; what is cut off of the smaller stays as the lowest bit.
    let a_hi = (a.hi << 10u) | (a.lo >> 22u);
    let a_lo = a.lo << 10u;
    let b_hi = (b.hi << 10u) | (b.lo >> 22u);
    let b_lo = b.lo << 10u;
    var s_lo = b_lo;
    var s_hi = b_hi;
    if d >= 32u {
        let k = d - 32u;
        let cut = b_lo | (b_hi & ((1u << k) - 1u));
        s_lo = (b_hi >> k) | select(0u, 1u, cut != 0u);
        s_hi = 0u;
    } else if d > 0u {
        let cut = b_lo & ((1u << d) - 1u);
        s_lo = (b_lo >> d) | (b_hi << (32u - d)) | select(0u, 1u, cut != 0u);
        s_hi = b_hi >> d;
    }
    let lo = a_lo + s_lo;
    let hi = a_hi + s_hi + select(0u, 1u, lo < a_lo);
    // The sum lies in [2^62, 2^64).
    let drop = select(10u, 11u, hi >= 0x80000000u);
    let half = ((lo >> (drop - 1u)) & 1u) == 1u;
    let behind = (lo & ((1u << (drop - 1u)) - 1u)) != 0u;
    return rounded((lo >> drop) | (hi << (32u - drop)), hi >> drop, half, behind, a.e + i32(drop) - 10);
}

// x * 2^s to the nearest integer, ties to even; `most` for all from it on, `most` below 2^24 + 2.
fn whole(x: Double, s: i32, most: u32) -> u32 {
    let places = -(x.e + s);
    if is_zero(x) || places > 53 {
        return 0u;
    }
    if places < 28 {
        return most;
    }
    let k = u32(places);
    var n: u32;
    var half: bool;
    var behind: bool;
    if k > 32u {
        n = x.hi >> (k - 32u);
        half = ((x.hi >> (k - 33u)) & 1u) == 1u;
        behind = (x.lo | (x.hi & ((1u << (k - 33u)) - 1u))) != 0u;
    } else {
        n = select((x.hi << (32u - k)) | (x.lo >> (k & 31u)), x.hi, k == 32u);
        half = ((x.lo >> (k - 1u)) & 1u) == 1u;
        behind = (x.lo & ((1u << (k - 1u)) - 1u)) != 0u;
    }
    return min(n + select(0u, 1u, half && (behind || (n & 1u) == 1u)), most);
}

#section add
// w + f32(acc) * 2^-E for the exact replay: |acc| <= 2^24, the power of two given as f32 bits. A zero result is +0.
// SOFT_ADD: the sum on the integers of the bits, rounded to nearest even, for devices whose float addition rounds otherwise.
override SOFT_ADD: u32 = 0u;

// f32(acc) * 2^-E as bits, without a float instruction. E lies in [-60, 60], so the result is normal or 0.
fn scaled_bits(acc: i32, factor: u32) -> u32 {
    let magnitude = u32(abs(acc));
    if magnitude == 0u {
        return 0u;
    }
    let lz = countLeadingZeros(magnitude);
    let mantissa = ((magnitude << lz) >> 8u) & 0x7FFFFFu;
    let exponent = (factor >> 23u) + 31u - lz;
    return (u32(acc) & 0x80000000u) | (exponent << 23u) | mantissa;
}

// IEEE sum of two finite f32, round to nearest even, on three extra bits (guard, round, sticky); a zero sum is +0.
fn soft_sum(x: u32, y: u32) -> u32 {
    let swap = (x & 0x7FFFFFFFu) < (y & 0x7FFFFFFFu);
    let a = select(x, y, swap);
    let b = select(y, x, swap);
    let ea = max((a >> 23u) & 255u, 1u);
    let eb = max((b >> 23u) & 255u, 1u);
    let ma = ((a & 0x7FFFFFu) | select(0u, 0x800000u, (a & 0x7F800000u) != 0u)) << 3u;
    let mb = ((b & 0x7FFFFFu) | select(0u, 0x800000u, (b & 0x7F800000u) != 0u)) << 3u;
    let d = min(ea - eb, 27u);
    let shifted = (mb >> d) | select(0u, 1u, (mb & ((1u << d) - 1u)) != 0u);
    var m = select(ma + shifted, ma - shifted, ((a ^ b) & 0x80000000u) != 0u);
    if m == 0u {
        return 0u;
    }
    var e = ea;
    if m >= 0x8000000u {
        m = (m >> 1u) | (m & 1u);
        e += 1u;
    } else {
        let up = min(countLeadingZeros(m) - 5u, e - 1u);
        m <<= up;
        e -= up;
    }
    let tail = m & 7u;
    m >>= 3u;
    m += select(0u, 1u, tail > 4u || (tail == 4u && (m & 1u) == 1u));
    // The carry of the rounding runs into the exponent by itself.
    return (a & 0x80000000u) | min(((e - 1u) << 23u) + m, 0x7F800000u);
}

fn add_exact(w: u32, acc: i32, factor: u32) -> u32 {
    var sum: u32;
    if SOFT_ADD != 0u {
        // Infinities and NaN stay what they are.
        sum = select(soft_sum(w, scaled_bits(acc, factor)), w, (w & 0x7F800000u) == 0x7F800000u);
    } else {
        sum = bitcast<u32>(bitcast<f32>(w) + f32(acc) * bitcast<f32>(factor));
    }
    // On the bits: a compiler may drop a float comparison with zero.
    return select(sum, 0u, (sum & 0x7FFFFFFFu) == 0u);
}

fn add_exact4(w: vec4<u32>, acc: vec4<i32>, factor: u32) -> vec4<u32> {
    return vec4<u32>(
        add_exact(w.x, acc.x, factor),
        add_exact(w.y, acc.y, factor),
        add_exact(w.z, acc.z, factor),
        add_exact(w.w, acc.w, factor),
    );
}
