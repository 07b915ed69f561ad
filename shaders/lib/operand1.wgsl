// A read-only f32 operand in a storage buffer (binding 1).
@group(0) @binding(1) var<storage, read> operand1: array<f32>;

fn operand1_at(i: u32) -> f32 {
    return operand1[i];
}
