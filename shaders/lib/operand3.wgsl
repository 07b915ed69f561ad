// A read-only f32 operand (binding 3).
#operand @binding(3) operand3: f32
