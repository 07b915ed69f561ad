// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011).
#import lib/mulhi.wgsl

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
