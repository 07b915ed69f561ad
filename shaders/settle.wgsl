// What the numbers of probes come to in integers, with the bits that f64 gives (perturbation-stream, Exact replay, steps 1 to 4):
// a_j = c_j dl_j / apart * tau * scale with c_j = -lr weight_j, A = sum_j |a_j| m in order, E = 23 - frexp(A), q_j = a_j 2^E to the nearest
// integer, ties to even. A number that is not finite is 0. Where all are, or integers would pass 2^24 in all, q and E are 0.
// An owner's probes are at most 255; its part of `out` is (bits of 2^-E, its first vec4, E as i32, 1 where nothing moves), then for each
// probe (seed, q, -q), zeros from its own to `most`: what lib/replay.wgsl:bindings reads with OWNERS.
// A workgroup of THREADS threads an owner. Traffic: 16 bytes a probe written, 28 read.
#import lib/exact.wgsl:double

struct Params {
    most: u32, // entries of an owner
    m: u32,    // the largest element: a power of two
    apart_lo: u32,
    apart_hi: u32,
    tau_lo: u32,
    tau_hi: u32,
    scale_lo: u32,
    scale_hi: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> owners: array<vec4<u32>>; // (first probe, how many, first vec4 of the weights, 0)
@group(0) @binding(2) var<storage, read> probes: array<vec4<u32>>; // (seed low, high, c low, high)
@group(0) @binding(3) var<storage, read> places: array<u32>; // of a probe's numbers
@group(0) @binding(4) var<storage, read> numbers: array<vec2<u32>>; // bits of (dl, loss)
@group(0) @binding(5) var<storage, read_write> out: array<vec4<u32>>;

const THREADS: u32 = 64u;
const MOST: u32 = 255u;
const LIMIT: u32 = 16777216u; // 2^24

var<workgroup> a: array<Double, MOST>;
var<workgroup> largest: atomic<i32>;
var<workgroup> total: atomic<u32>;
var<workgroup> exponent: i32;
var<workgroup> sum_q: atomic<u32>;

fn coefficient(index: u32) -> Double {
    let bits = numbers[places[index]].x;
    if (bits & 0x7F800000u) == 0x7F800000u {
        return Double(0u, 0u, 0);
    }
    let weighted = multiplied(double_of(probes[index].zw), double_of_single(bits));
    let slope = divided(weighted, double_of(vec2<u32>(params.apart_lo, params.apart_hi)));
    let spread = multiplied(slope, double_of(vec2<u32>(params.tau_lo, params.tau_hi)));
    return multiplied(spread, double_of(vec2<u32>(params.scale_lo, params.scale_hi)));
}

// Whether a_j is negative.
fn is_negative(index: u32) -> bool {
    return ((probes[index].w ^ numbers[places[index]].x) >> 31u) == 1u;
}

// k of 2^(k-1) <= n < 2^k.
fn bits_of(n: u32) -> i32 {
    return 32 - i32(countLeadingZeros(n));
}

// A's exponent k from the sum of each |a_j|'s upper 23 bits, unless what they leave out, or A's roundings, may give another.
fn exponent_of(count: u32, m_bits: i32) -> i32 {
    let low = atomicLoad(&total);
    let e = atomicLoad(&largest) + 30 + m_bits;
    let k = bits_of(low);
    if bits_of(low - 1u) == k && bits_of(low + count + 1u) == k {
        return e + k;
    }
    var sum = Double(0u, 0u, 0);
    for (var j = 0u; j < count; j++) {
        sum = added(sum, a[j]);
    }
    return sum.e + 53 + m_bits;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let owner = owners[group.x];
    let count = min(owner.y, MOST);
    if thread == 0u {
        atomicStore(&largest, -2000);
        atomicStore(&total, 0u);
        atomicStore(&sum_q, 0u);
    }
    workgroupBarrier();
    for (var j = thread; j < count; j += THREADS) {
        let value = coefficient(owner.x + j);
        a[j] = value;
        if !is_zero(value) {
            atomicMax(&largest, value.e);
        }
    }
    workgroupBarrier();
    for (var j = thread; j < count; j += THREADS) {
        let below = u32(atomicLoad(&largest) - a[j].e);
        if !is_zero(a[j]) && below < 23u {
            atomicAdd(&total, ((a[j].hi << 2u) | (a[j].lo >> 30u)) >> below);
        }
    }
    workgroupBarrier();
    let some = atomicLoad(&total) != 0u;
    if thread == 0u {
        exponent = clamp(23 - exponent_of(count, bits_of(params.m) - 1), -60, 60);
    }
    workgroupBarrier();
    for (var j = thread; j < count; j += THREADS) {
        atomicAdd(&sum_q, whole(a[j], exponent, LIMIT + 1u));
    }
    workgroupBarrier();
    let moves = some && atomicLoad(&sum_q) <= LIMIT / params.m;
    let e = select(0, exponent, moves);
    let start = group.x * (params.most + 1u);
    if thread == 0u {
        out[start] = vec4<u32>(u32(127 - e) << 23u, owner.z, u32(e), select(1u, 0u, moves));
    }
    for (var j = thread; j < params.most; j += THREADS) {
        var entry = vec4<u32>();
        if j < count {
            let magnitude = select(0u, whole(a[j], e, LIMIT + 1u), moves);
            let index = owner.x + j;
            let q = select(magnitude, 0u - magnitude, is_negative(index));
            entry = vec4<u32>(probes[index].xy, q, 0u - q);
        }
        out[start + 1u + j] = entry;
    }
}
