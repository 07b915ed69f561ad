// out[i] = e_(start + i), the elements of the perturbation stream before tau and scale, for the distributions of four numbers
// a Philox block (binomial, gaussian, uniform).
// A thread makes 4 elements and stores them as one vec4; 64 threads a workgroup, neighbours side by side, folded over x and y.
// UNALIGNED: start is no multiple of 4, so a thread's elements come from two blocks. The last vec4 is written whole.
// Traffic: 4 bytes written an element.
#import lib/stream.wgsl:quad
#import lib/stream.wgsl:position
struct Params {
    seed_lo: u32,
    seed_hi: u32,
    start_lo: u32,
    start_hi: u32,
    quads: u32, // vec4 to write
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;

override DIST: u32 = 1u; // BINOMIAL, GAUSSIAN or UNIFORM
override UNALIGNED: u32 = 0u;

fn block_at(position: vec2<u32>) -> vec4<f32> {
    return stream_quad(DIST, vec2<u32>(params.seed_lo, params.seed_hi), position_shift(position, 2u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quad = (id.y * groups.x + id.x) * 64u + thread;
    if quad >= params.quads {
        return;
    }
    let position = position_add(vec2<u32>(params.start_lo, params.start_hi), quad * 4u);
    var value = block_at(position);
    if UNALIGNED != 0u {
        let next = block_at(position_add(position, 4u));
        switch params.start_lo & 3u {
            case 1u: { value = vec4<f32>(value.yzw, next.x); }
            case 2u: { value = vec4<f32>(value.zw, next.xy); }
            case 3u: { value = vec4<f32>(value.w, next.xyz); }
            default: {}
        }
    }
    out[quad] = value;
}
