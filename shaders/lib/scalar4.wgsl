// Read-only f32 in a storage buffer (binding 4).
@group(0) @binding(4) var<storage, read> value4: array<f32>;

fn value4_at(i: u32) -> f32 {
    return value4[i];
}
