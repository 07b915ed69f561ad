// What a group norm's statistics leave of a (row, group): (mean, rstd), and (a, b) of each of its channels: a = rstd * scale[c],
// b = bias[c] - mean * a, so that norm_apply forms no perturbed weights. For workgroups of 64.
#import lib/norm.wgsl
#import lib/weight.wgsl
#import lib/coefficients.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;

fn keep(lane: Lane, row: u32, group: u32, t: u32, mean: f32, variance: f32) {
    let rstd = 1.0f / sqrt(variance + EPS);
    if t == 0u {
        stats[row * params.groups + group] = vec2<f32>(mean, rstd);
    }
    let per_group = CHANNELS / params.groups;
    for (var c = group * per_group + t; c < (group + 1u) * per_group; c += 64u) {
        coefficients[row * CHANNELS + c] = coefficients_of(lane, c, mean, rstd);
    }
}
