// a = a * b + c in 12 independent chains a thread, 16 steps an iteration: the arithmetic ceiling of the bench.
// The steps are unrolled by hand: where a compiler keeps a loop of few steps, its own cost is what is measured.
// Threads of 64 a workgroup; each runs 192 x iterations multiply-adds in registers and stores one f32, so that nothing is dropped.
// Traffic: 4 bytes written a thread.
struct Params {
    b: f32,
    c: f32,
    iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

struct Chains {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
}

fn step(a: Chains, b: f32, c: f32) -> Chains {
    return Chains(a.x * b + c, a.y * b + c, a.z * b + c);
}

fn steps4(a: Chains, b: f32, c: f32) -> Chains {
    return step(step(step(step(a, b, c), b, c), b, c), b, c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let thread = id.x * 64u + t;
    let b = params.b;
    let c = params.c;
    let start = vec4<f32>(f32(thread)) + vec4<f32>(0.0f, 1.0f, 2.0f, 3.0f);
    var a = Chains(start, start + vec4<f32>(4.0f), start + vec4<f32>(8.0f));
    for (var k = 0u; k < params.iterations; k++) {
        a = steps4(steps4(steps4(steps4(a, b, c), b, c), b, c), b, c);
    }
    let sum = a.x + a.y + a.z;
    out[thread] = (sum.x + sum.y) + (sum.z + sum.w);
}
