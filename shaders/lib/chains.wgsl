// a = a * b + c in 12 independent chains a thread, 16 steps an iteration, for the arithmetic ceilings of the bench.
// The steps are unrolled by hand: where a compiler keeps a loop of few steps, its own cost is what is measured.
// Threads of 64 a workgroup; each runs 192 x iterations multiply-adds in registers and stores one number, so that nothing is dropped.
// Traffic: 4 bytes written a thread.
//
// A kernel that imports this defines the type Number.
struct Params {
    b: Number,
    c: Number,
    iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<Number>;

struct Chains {
    x: vec4<Number>,
    y: vec4<Number>,
    z: vec4<Number>,
}

fn step(a: Chains, b: Number, c: Number) -> Chains {
    return Chains(a.x * b + c, a.y * b + c, a.z * b + c);
}

fn steps4(a: Chains, b: Number, c: Number) -> Chains {
    return step(step(step(step(a, b, c), b, c), b, c), b, c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let thread = id.x * 64u + t;
    let b = params.b;
    let c = params.c;
    let start = vec4<Number>(Number(thread)) + vec4<Number>(0, 1, 2, 3);
    var a = Chains(start, start + vec4<Number>(4), start + vec4<Number>(8));
    for (var k = 0u; k < params.iterations; k++) {
        a = steps4(steps4(steps4(steps4(a, b, c), b, c), b, c), b, c);
    }
    let sum = a.x + a.y + a.z;
    out[thread] = (sum.x + sum.y) + (sum.z + sum.w);
}
