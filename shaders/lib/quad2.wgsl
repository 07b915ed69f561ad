// Read-only quads in a storage buffer (binding 2).
@group(0) @binding(2) var<storage, read> value2: array<vec4<f32>>;

fn value2_at(i: u32) -> vec4<f32> {
    return value2[i];
}
