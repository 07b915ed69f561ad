// Gradients of outputs as quads in a texture, 2048 a row.
@group(0) @binding(2) var dy: texture_storage_2d<rgba32float, read>;

fn dy_quad(q: u32) -> vec4<f32> {
    return textureLoad(dy, vec2<u32>(q & 2047u, q >> 11u));
}
