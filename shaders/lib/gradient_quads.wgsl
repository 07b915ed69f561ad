// Gradients of outputs as quads in a storage buffer.
@group(0) @binding(2) var<storage, read> dy: array<vec4<f32>>;

fn dy_quad(q: u32) -> vec4<f32> {
    return dy[q];
}
