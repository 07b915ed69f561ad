// Read-only quads (binding 3).
#operand @binding(3) value3: vec4<f32>
