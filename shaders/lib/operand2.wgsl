// A read-only f32 operand in a storage buffer (binding 2).
@group(0) @binding(2) var<storage, read> operand2: array<f32>;

fn operand2_at(i: u32) -> f32 {
    return operand2[i];
}
