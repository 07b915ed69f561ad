// Norms: what those over images share, their statistics and coefficients, gradients of scale and bias. Rows of layer norm: lib/layers.wgsl.

#section params
// What the kernels of norms over images share: uniform block, lanes, the shape. Activations are [row][channel][pixel], or
// [row][pixel][channel] with channels last; their Values go along what lies innermost.
#import lib/lanes.wgsl:lane
#import lib/images.wgsl:layout

struct Params {
    channels: u32,
    // Group norm's; channels of a lane else.
    groups: u32,
    // Pixels of a channel.
    spatial: u32,
    scale_offset: u32,
    bias_offset: u32,
    // From a lane's base to its running statistics, in their own binding.
    mean_offset: u32,
    variance_offset: u32,
    relu: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// params.channels and params.spatial as constants, so that divisions by them compile to multiplications; PIXELS in Values, unless channels
// are last. GROUPS: params.groups, where channels are last.
#ifdef ANY_SHAPE
// From the uniform block, so that one pipeline serves all shapes.
var<private> CHANNELS: u32;
var<private> PIXELS: u32;
var<private> GROUPS: u32;
#else
const CHANNELS: u32 = 1u;
const PIXELS: u32 = 1u;
const GROUPS: u32 = 1u;
#endif

// To be called before the two are used, with the f32 of what is counted as pixels.
fn load_shape(width: u32) {
#ifdef ANY_SHAPE
    CHANNELS = params.channels;
    PIXELS = params.spatial / select(width, 1u, CHANNELS_LAST == 1u);
    GROUPS = params.groups;
#endif
}

const EPS: f32 = 1.0e-5f;

#section coefficients
// a = rstd * scale, b = bias - mean * a, with the lane's perturbed scale and bias: y = x * a + b.
fn coefficients_of(lane: Lane, channel: u32, mean: f32, rstd: f32) -> vec2<f32> {
    let a = rstd * weight_at(lane, params.scale_offset + channel);
    return vec2<f32>(a, weight_at(lane, params.bias_offset + channel) - mean * a);
}

#section batch_norm
// Statistics of batch norm over a lane's rows and pixels: (mean, rstd) of each (lane, channel), population variance, eps 1e-5; (a, b) with
// a = rstd * scale[c], b = bias[c] - mean * a; and (mean, variance * n / (n - 1)) for the running statistics.
// A workgroup takes a channel of a lane. Launch: x = channels, z = lanes. Traffic: the kernel's.
//
// A kernel that imports this defines channel_statistics(lane, channel, t) -> (mean, sum of squared deviations), called by all 64 threads t
// of a workgroup.
#import lib/norms.wgsl:params
#import lib/weights.wgsl:weight
#import lib/norms.wgsl:coefficients
#import lib/lanes.wgsl:tree

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> coefficients: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> unbiased: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    load_shape(1u);
    let lane = lanes[group.z];
    let channel = group.x;
    if lane.rows == 0u {
        return;
    }
    let values = f32(lane.rows * params.spatial);
    let found = channel_statistics(lane, channel, t);
    let rstd = 1.0f / sqrt(found.y / values + EPS);
    if t == 0u {
        let at = group.z * CHANNELS + channel;
        stats[at] = vec2<f32>(found.x, rstd);
        coefficients[at] = coefficients_of(lane, channel, found.x, rstd);
        unbiased[at] = vec2<f32>(found.x, found.y / max(values - 1.0f, 1.0f));
    }
}

#section group_norm
// Statistics of group norm: of each (row, group) of channels (mean, rstd), population variance, eps 1e-5, and (a, b) of each of its
// channels: a = rstd * scale[c], b = bias[c] - mean * a, so that norm_apply forms no perturbed weights.
// A workgroup takes a (row, group) at a time. Launch: x = groups, y = rows of the largest lane (at most 65,535, then rows are strided),
// z = lanes. Traffic: the kernel's, 2 weights a channel and row, and what is stored.
//
// A kernel that imports this defines slice_statistics(slice, t) -> (mean, variance), called by all 64 threads t of a workgroup, with
// slice = row * groups + group; and PIXEL_WIDTH, the f32 of what it counts as pixels.
#import lib/norms.wgsl:params
#import lib/weights.wgsl:weight
#import lib/norms.wgsl:coefficients
#import lib/lanes.wgsl:tree

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

#section grad_params
// What the kernels of the gradients of norms' scales and biases share: uniform block, operands, the shape.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:parts

struct Params {
    cut: Cut,
    channels: u32,
    groups: u32,
    spatial: u32,
    // Of scale and bias in what is summed into.
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

// params.channels, and params.spatial (in Values where channels come first), as constants, so that divisions by them compile to
// multiplications.
#ifdef ANY_SHAPE
var<private> CHANNELS: u32;
var<private> PIXELS: u32;
#else
const CHANNELS: u32 = 1u;
const PIXELS: u32 = 1u;
#endif

override BY_ROW: u32 = 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#operand @binding(2) x: Value
#operand @binding(3) dy: Value
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

// To be called before the two are used, with the f32 of what is counted as pixels.
fn load_shape(width: u32) {
#ifdef ANY_SHAPE
    CHANNELS = params.channels;
    PIXELS = params.spatial / width;
#endif
}

#section scale_sums
// Gradients of a norm's scale and bias, down columns of Values that threads own or share with the others of their row team
// (lib/lanes.wgsl:row_teams): the sums of both over a lane's parts, from what is there on.
//
// A kernel that imports this has `cut`, `scale_offset`, `bias_offset` and `accumulate` in its Params and the array `gradients`, and
// defines add_row(lane, index, unit, column, sums), which adds unit `unit` of the lane to both.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:parts
#import lib/lanes.wgsl:row_teams

alias TeamValue = Value;

struct ScaleSums {
    scale: Value,
    bias: Value,
}

// For a launch whose x goes over TEAM_COLUMNS of `columns` Values, z over lanes or parts.
fn sum_scale(group: vec3<u32>, t: u32, columns: u32) {
    let work = work_of(params.cut, group.z, 2u * columns * WIDTH);
    let lane = lanes[work.lane];
    let own = group.x * TEAM_COLUMNS + t % TEAM_COLUMNS;
    let column = min(own, columns - 1u);
    let scale_at = work.base + params.scale_offset + column * WIDTH;
    let bias_at = work.base + params.bias_offset + column * WIDTH;
    var scale_four: vec4<f32>;
    var bias_four: vec4<f32>;
    if params.accumulate != 0u {
        for (var e = 0u; e < WIDTH; e += 1u) {
            scale_four[e] = gradients[scale_at + e];
            bias_four[e] = gradients[bias_at + e];
        }
    }
    var scale_total = of_quad(scale_four);
    var bias_total = of_quad(bias_four);
    for (var part = work.first; part < work.end; part += 1u) {
        let units = part_units(params.cut, lane.rows, part);
        var sums: ScaleSums;
        for (var u = units.x + t / TEAM_COLUMNS; u < units.y; u += ROW_TEAMS) {
            add_row(lane, work.lane, u, column, &sums);
        }
        scale_total += over_teams(t, sums.scale);
        bias_total += over_teams(t, sums.bias);
    }
    if own < columns && t < TEAM_COLUMNS {
        scale_four = to_quad(scale_total);
        bias_four = to_quad(bias_total);
        for (var e = 0u; e < WIDTH; e += 1u) {
            gradients[scale_at + e] = scale_four[e];
            gradients[bias_at + e] = bias_four[e];
        }
    }
}
