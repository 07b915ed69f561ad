// Read-only f32 in a storage buffer (binding 2).
@group(0) @binding(2) var<storage, read> value2: array<f32>;

fn value2_at(i: u32) -> f32 {
    return value2[i];
}
