// Activations as quads in a texture, 2048 a row.
@group(0) @binding(3) var inputs: texture_storage_2d<rgba32float, read>;

fn input_quad_at(q: u32) -> vec4<f32> {
    return textureLoad(inputs, vec2<u32>(q & 2047u, q >> 11u));
}
