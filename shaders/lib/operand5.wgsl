// A read-only f32 operand in a storage buffer (binding 5).
@group(0) @binding(5) var<storage, read> operand5: array<f32>;

fn operand5_at(i: u32) -> f32 {
    return operand5[i];
}
