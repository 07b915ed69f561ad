// Read-only f32 in a texture (binding 3), 8192 a row.
@group(0) @binding(3) var value3: texture_storage_2d<r32float, read>;

fn value3_at(i: u32) -> f32 {
    return textureLoad(value3, vec2<u32>(i & 8191u, i >> 13u)).x;
}
