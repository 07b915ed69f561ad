// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011). The host may put lib/mulhi_u64.wgsl in the place of this import.
#import lib/mulhi_u32.wgsl

fn philox_round(key: vec2<u32>, ctr: vec4<u32>) -> vec4<u32> {
    return vec4<u32>(
        mulhi(0xCD9E8D57u, ctr.z) ^ ctr.y ^ key.x,
        0xCD9E8D57u * ctr.z,
        mulhi(0xD2511F53u, ctr.x) ^ ctr.w ^ key.y,
        0xD2511F53u * ctr.x,
    );
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
