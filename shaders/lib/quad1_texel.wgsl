// Read-only quads in a texture (binding 1), 2048 a row.
@group(0) @binding(1) var value1: texture_storage_2d<rgba32float, read>;

fn value1_at(i: u32) -> vec4<f32> {
    return textureLoad(value1, vec2<u32>(i & 2047u, i >> 11u));
}
