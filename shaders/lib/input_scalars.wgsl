// Activations one by one, in a storage buffer (binding 3).
@group(0) @binding(3) var<storage, read> inputs: array<f32>;

fn input_at(i: u32) -> f32 {
    return inputs[i];
}
