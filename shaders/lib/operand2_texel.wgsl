// A read-only f32 operand in a texture (binding 2), 8192 a row.
@group(0) @binding(2) var operand2: texture_storage_2d<r32float, read>;

fn operand2_at(i: u32) -> f32 {
    return textureLoad(operand2, vec2<u32>(i & 8191u, i >> 13u)).x;
}
