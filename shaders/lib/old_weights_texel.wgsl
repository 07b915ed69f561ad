// The weights before a replay, by vec4: in a texture (binding 3), 2048 a row, copied from the buffer before the launch.
@group(0) @binding(3) var before: texture_storage_2d<rgba32uint, read>;

fn old_weights(quad: u32) -> vec4<u32> {
    return textureLoad(before, vec2<u32>(quad & 2047u, quad >> 11u));
}
