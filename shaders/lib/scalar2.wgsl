// Read-only f32 (binding 2).
#operand @binding(2) value2: f32
