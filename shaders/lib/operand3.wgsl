// A read-only f32 operand in a storage buffer (binding 3).
@group(0) @binding(3) var<storage, read> operand3: array<f32>;

fn operand3_at(i: u32) -> f32 {
    return operand3[i];
}
