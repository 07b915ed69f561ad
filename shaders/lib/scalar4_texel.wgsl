// Read-only f32 in a texture (binding 4), 8192 a row.
@group(0) @binding(4) var value4: texture_storage_2d<r32float, read>;

fn value4_at(i: u32) -> f32 {
    return textureLoad(value4, vec2<u32>(i & 8191u, i >> 13u)).x;
}
