// The probes of a replay in a texture (binding 1), 2048 a row.
@group(0) @binding(1) var probes: texture_storage_2d<rgba32uint, read>;

fn probe_at(j: u32) -> vec4<u32> {
    return textureLoad(probes, vec2<u32>(j & 2047u, j >> 11u));
}
