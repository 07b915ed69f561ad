// Read-only quads in a texture (binding 4), 2048 a row.
@group(0) @binding(4) var value4: texture_storage_2d<rgba32float, read>;

fn value4_at(i: u32) -> vec4<f32> {
    return textureLoad(value4, vec2<u32>(i & 2047u, i >> 11u));
}
