// Statistics of group norm: of each (row, group) of channels (mean, rstd), population variance, eps 1e-5, and (a, b) of each of its
// channels: a = rstd * scale[c], b = bias[c] - mean * a, so that norm_apply forms no perturbed weights.
// A workgroup takes a (row, group) at a time. Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided),
// z = lanes. Traffic: the kernel's, 2 weights a channel and row, and what is stored.
//
// A kernel that imports this defines slice_statistics(slice, t) -> (mean, variance), called by all 64 threads t of a workgroup, with
// slice = row * groups + group; and PIXEL_WIDTH, the f32 of what it counts as pixels.
#import lib/norm.wgsl
#import lib/weight.wgsl
#import lib/coefficients.wgsl
#import lib/tree.wgsl

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    load_shape(PIXEL_WIDTH);
    let lane = lanes[group.z];
    let per_group = CHANNELS / params.groups;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let slice = row * params.groups + group.x;
        let found = slice_statistics(slice, t);
        let rstd = 1.0f / sqrt(found.y + EPS);
        if t == 0u {
            stats[slice] = vec2<f32>(found.x, rstd);
        }
        for (var c = group.x * per_group + t; c < (group.x + 1u) * per_group; c += 64u) {
            coefficients[row * CHANNELS + c] = coefficients_of(lane, c, found.x, rstd);
        }
    }
}
