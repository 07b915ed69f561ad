// The flat weights as quads in a storage buffer.
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;

fn weight_quad(q: u32) -> vec4<f32> {
    return weights[q];
}
