// Read-only f32 in a storage buffer (binding 3).
@group(0) @binding(3) var<storage, read> value3: array<f32>;

fn value3_at(i: u32) -> f32 {
    return value3[i];
}
