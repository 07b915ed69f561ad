// dW[o][k] = sum over the lane's rows of dy[row][o] * x[row][k], by blocks of samples. A thread makes 4 outputs x 8 inputs, a
// workgroup (8 x 8 threads) 32 outputs x 64 inputs; what lies beyond the edge is computed from the last one and not stored.
// Launch: x = inputs / 64, y = outputs / 32, z = lanes. Loads: 12 per 32 multiply-adds.
#import lib/lane.wgsl
// Operand 2 is x, operand 3 is dy.
#import lib/operand2.wgsl
#import lib/operand3.wgsl
#import lib/block.wgsl

struct Params {
    inputs: u32,
    outputs: u32,
    weight_offset: u32,
    // 1: x is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let k0 = group.x * 64u + (t & 7u);
    let o0 = group.y * 32u + (t >> 3u);
    if o0 >= params.outputs || k0 >= params.inputs {
        return;
    }
    var row: array<u32, 4>;
    for (var i = 0u; i < 4u; i += 1u) {
        row[i] = min(o0 + 8u * i, params.outputs - 1u);
    }
    var column: array<u32, 8>;
    for (var j = 0u; j < 8u; j += 1u) {
        column[j] = min(k0 + 8u * j, params.inputs - 1u);
    }
    let base = lane.weight_base + params.weight_offset;
    var total: array<array<vec4<f32>, 2>, 4>;
    if params.accumulate != 0u {
        for (var i = 0u; i < 4u; i += 1u) {
            for (var j = 0u; j < 8u; j += 1u) {
                total[i][j >> 2u][j & 3u] = gradients[base + row[i] * params.inputs + column[j]];
            }
        }
    }
    var x_at = select(lane.row0, lane.x_row, params.from_batch != 0u) * params.inputs;
    var dy_at = lane.row0 * params.outputs;
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        var acc: array<array<vec4<f32>, 2>, 4>;
        for (var i = 0u; i < 4u; i += 1u) {
            acc[i][0] = vec4<f32>(0.0f);
            acc[i][1] = vec4<f32>(0.0f);
        }
        let samples = min(SAMPLE_BLOCK, lane.rows - block);
        for (var s = 0u; s < samples; s += 1u) {
            let a = vec4<f32>(operand2_at(x_at + column[0]), operand2_at(x_at + column[1]), operand2_at(x_at + column[2]), operand2_at(x_at + column[3]));
            let b = vec4<f32>(operand2_at(x_at + column[4]), operand2_at(x_at + column[5]), operand2_at(x_at + column[6]), operand2_at(x_at + column[7]));
            for (var i = 0u; i < 4u; i += 1u) {
                let g = operand3_at(dy_at + row[i]);
                acc[i][0] += g * a;
                acc[i][1] += g * b;
            }
            x_at += params.inputs;
            dy_at += params.outputs;
        }
        for (var i = 0u; i < 4u; i += 1u) {
            total[i][0] += acc[i][0];
            total[i][1] += acc[i][1];
        }
    }
    for (var i = 0u; i < 4u; i += 1u) {
        let o = o0 + 8u * i;
        for (var j = 0u; j < 8u; j += 1u) {
            let k = k0 + 8u * j;
            if o < params.outputs && k < params.inputs {
                gradients[base + o * params.inputs + k] = total[i][j >> 2u][j & 3u];
            }
        }
    }
}
