// Read-only f32 (binding 3).
#operand @binding(3) value3: f32
