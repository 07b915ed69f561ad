// Read-only quads in a texture (binding 2), 2048 a row.
@group(0) @binding(2) var value2: texture_storage_2d<rgba32float, read>;

fn value2_at(i: u32) -> vec4<f32> {
    return textureLoad(value2, vec2<u32>(i & 2047u, i >> 11u));
}
