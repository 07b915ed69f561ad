// Read-only quads (binding 2).
#operand @binding(2) value2: vec4<f32>
