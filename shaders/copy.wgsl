// out[i] = source[i]: the copy ceiling of the bench.
// A thread copies 16 vec4, a workgroup of 64 threads 4,096 f32 in a row, neighbours side by side.
// Traffic: 4 bytes read and 4 written an element.
struct Params {
    quads: u32, // vec4 in each buffer
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first = (id.y * groups.x + id.x) * 1024u + thread;
    for (var k = 0u; k < 16u; k++) {
        let at = first + k * 64u;
        if at < params.quads {
            out[at] = source[at];
        }
    }
}
