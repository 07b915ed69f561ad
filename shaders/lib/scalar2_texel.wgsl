// Read-only f32 in a texture (binding 2), 8192 a row.
@group(0) @binding(2) var value2: texture_storage_2d<r32float, read>;

fn value2_at(i: u32) -> f32 {
    return textureLoad(value2, vec2<u32>(i & 8191u, i >> 13u)).x;
}
