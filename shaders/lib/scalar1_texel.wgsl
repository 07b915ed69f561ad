// Read-only f32 in a texture (binding 1), 8192 a row.
@group(0) @binding(1) var value1: texture_storage_2d<r32float, read>;

fn value1_at(i: u32) -> f32 {
    return textureLoad(value1, vec2<u32>(i & 8191u, i >> 13u)).x;
}
