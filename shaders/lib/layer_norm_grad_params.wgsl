// Gradients of layer norm's scale and bias: sums over a lane's rows of dy * (x - mean) * rstd and of dy, by blocks of rows. A block of
// samples is so many whole blocks of rows, since each sample has equally many. A thread owns a column of Values.
// Launch: x = columns / 64, z = lanes. Traffic: reads x and dy once.
#import lib/lane.wgsl
#import lib/block.wgsl

struct Params {
    dim: u32,
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
// Value 2 is x, value 3 is dy.
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = lanes[group.z];
    let columns = params.dim / WIDTH;
    let column = group.x * 64u + t;
    if column >= columns {
        return;
    }
    let scale_at = lane.weight_base + params.scale_offset + column * WIDTH;
    let bias_at = lane.weight_base + params.bias_offset + column * WIDTH;
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
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let end = min(block + SAMPLE_BLOCK, lane.rows);
        var scale_sum = Value();
        var bias_sum = Value();
        for (var r = block; r < end; r += 1u) {
            let row = lane.row0 + r;
            let stat = stats[row];
            let g = value3_at(row * columns + column);
            scale_sum += g * ((value2_at(row * columns + column) - stat.x) * stat.y);
            bias_sum += g;
        }
        scale_total += scale_sum;
        bias_total += bias_sum;
    }
    scale_four = to_quad(scale_total);
    bias_four = to_quad(bias_total);
    for (var e = 0u; e < WIDTH; e += 1u) {
        gradients[scale_at + e] = scale_four[e];
        gradients[bias_at + e] = bias_four[e];
    }
}
