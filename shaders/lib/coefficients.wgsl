// a = rstd * scale, b = bias - mean * a, with the lane's perturbed scale and bias: y = x * a + b.
fn coefficients_of(lane: Lane, channel: u32, mean: f32, rstd: f32) -> vec2<f32> {
    let a = rstd * weight_at(lane, params.scale_offset + channel);
    return vec2<f32>(a, weight_at(lane, params.bias_offset + channel) - mean * a);
}
