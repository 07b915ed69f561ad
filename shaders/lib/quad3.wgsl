// Read-only quads in a storage buffer (binding 3).
@group(0) @binding(3) var<storage, read> value3: array<vec4<f32>>;

fn value3_at(i: u32) -> vec4<f32> {
    return value3[i];
}
