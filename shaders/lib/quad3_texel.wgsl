// Read-only quads in a texture (binding 3), 2048 a row.
@group(0) @binding(3) var value3: texture_storage_2d<rgba32float, read>;

fn value3_at(i: u32) -> vec4<f32> {
    return textureLoad(value3, vec2<u32>(i & 2047u, i >> 11u));
}
