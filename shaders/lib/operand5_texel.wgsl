// A read-only f32 operand in a texture (binding 5), 8192 a row.
@group(0) @binding(5) var operand5: texture_storage_2d<r32float, read>;

fn operand5_at(i: u32) -> f32 {
    return textureLoad(operand5, vec2<u32>(i & 8191u, i >> 13u)).x;
}
