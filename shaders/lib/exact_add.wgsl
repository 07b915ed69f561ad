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
