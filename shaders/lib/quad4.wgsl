// Read-only quads in a storage buffer (binding 4).
@group(0) @binding(4) var<storage, read> value4: array<vec4<f32>>;

fn value4_at(i: u32) -> vec4<f32> {
    return value4[i];
}
