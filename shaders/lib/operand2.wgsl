// A read-only f32 operand (binding 2).
#operand @binding(2) operand2: f32
