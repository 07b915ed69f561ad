// Activations one by one, in a texture (binding 3), 8192 a row.
@group(0) @binding(3) var inputs: texture_storage_2d<r32float, read>;

fn input_at(i: u32) -> f32 {
    return textureLoad(inputs, vec2<u32>(i & 8191u, i >> 13u)).x;
}
