// Fingerprint of a weight vector (perturbation-stream, Ledger), wrapping u32 sums over all i of the bits b_i:
// sums[0] = sum_i f(b_i xor (i * 0x9E3779B9)), sums[1] = sum_i f(b_i + i * 0x85EBCA77 + 0x165667B1), f murmur3's finaliser.
// sums[2] counts the weights that are infinite or NaN.
// A workgroup of 64 threads takes 4,096 weights, adds its threads' sums in a tree and the result by one atomic each. Folded over x and y.
// Traffic: 4 bytes read a weight. The host clears sums first.
struct Params {
    weights: u32, // elements that are bound
    first: u32,   // index of the first of them in the vector, a multiple of 4
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<atomic<u32>, 3>;

var<workgroup> partial: array<vec3<u32>, 64>;

fn mixed(h: vec4<u32>) -> vec4<u32> {
    var x = h;
    x ^= x >> vec4<u32>(16u);
    x *= 0x85EBCA6Bu;
    x ^= x >> vec4<u32>(13u);
    x *= 0xC2B2AE35u;
    return x ^ (x >> vec4<u32>(16u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first = (id.y * groups.x + id.x) * 1024u + thread;
    var low: vec4<u32>;
    var high: vec4<u32>;
    var odd: vec4<u32>;
    for (var k = 0u; k < 16u; k++) {
        let quad = first + k * 64u;
        let i = vec4<u32>(quad * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
        if i.x < params.weights {
            let b = weights[quad];
            let at = i + vec4<u32>(params.first);
            let inside = i < vec4<u32>(params.weights);
            low += select(vec4<u32>(), mixed(b ^ (at * 0x9E3779B9u)), inside);
            let nonfinite = (b & vec4<u32>(0x7F800000u)) == vec4<u32>(0x7F800000u);
            odd += select(vec4<u32>(), vec4<u32>(1u), inside & nonfinite);
            high += select(vec4<u32>(), mixed(b + at * 0x85EBCA77u + vec4<u32>(0x165667B1u)), inside);
        }
    }
    partial[thread] = vec3<u32>(low.x + low.y + low.z + low.w, high.x + high.y + high.z + high.w, odd.x + odd.y + odd.z + odd.w);
    for (var half = 32u; half > 0u; half >>= 1u) {
        workgroupBarrier();
        if thread < half {
            partial[thread] += partial[thread + half];
        }
    }
    if thread == 0u {
        atomicAdd(&sums[0], partial[0].x);
        atomicAdd(&sums[1], partial[0].y);
        atomicAdd(&sums[2], partial[0].z);
    }
}
