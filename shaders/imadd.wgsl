// a = a * b + c modulo 2^32 in 12 independent chains a thread, 16 steps an iteration: the integer ceiling of the bench.
// The steps are unrolled by hand: where a compiler keeps a loop of few steps, its own cost is what is measured.
// Threads of 64 a workgroup; each runs 192 x iterations multiply-adds in registers and stores one u32, so that nothing is dropped.
// Traffic: 4 bytes written a thread.
struct Params {
    b: u32,
    c: u32,
    iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;

struct Chains {
    x: vec4<u32>,
    y: vec4<u32>,
    z: vec4<u32>,
}

fn step(a: Chains, b: u32, c: u32) -> Chains {
    let c4 = vec4<u32>(c);
    return Chains(a.x * b + c4, a.y * b + c4, a.z * b + c4);
}

fn steps4(a: Chains, b: u32, c: u32) -> Chains {
    return step(step(step(step(a, b, c), b, c), b, c), b, c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let thread = id.x * 64u + t;
    let b = params.b;
    let c = params.c;
    let start = vec4<u32>(thread) + vec4<u32>(0u, 1u, 2u, 3u);
    var a = Chains(start, start + vec4<u32>(4u), start + vec4<u32>(8u));
    for (var k = 0u; k < params.iterations; k++) {
        a = steps4(steps4(steps4(steps4(a, b, c), b, c), b, c), b, c);
    }
    let sum = a.x + a.y + a.z;
    out[thread] = (sum.x + sum.y) + (sum.z + sum.w);
}
