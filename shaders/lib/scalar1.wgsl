// Read-only f32 in a storage buffer (binding 1).
@group(0) @binding(1) var<storage, read> value1: array<f32>;

fn value1_at(i: u32) -> f32 {
    return value1[i];
}
