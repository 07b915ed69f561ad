// Activations as quads in a storage buffer.
@group(0) @binding(3) var<storage, read> inputs: array<vec4<f32>>;

fn input_quad_at(q: u32) -> vec4<f32> {
    return inputs[q];
}
