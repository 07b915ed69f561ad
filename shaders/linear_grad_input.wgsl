// dx[row][k] = sum over o of dy[row][o] * W[o][k], o ascending, with the lane's own weights. A thread makes 4 rows x 8 inputs, a
// workgroup (8 x 8 threads) 32 rows x 64 inputs; what lies beyond the edge is computed from the last row or column and not stored.
// Launch: x = inputs / 64, y = rows of the largest lane / 32, z = lanes. Loads: 12 per 32 multiply-adds.
#import lib/lane.wgsl
// Operand 2 are the weights, operand 3 is dy.
#import lib/operand2.wgsl
#import lib/operand3.wgsl

struct Params {
    inputs: u32,
    outputs: u32,
    weight_offset: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let k0 = group.x * 64u + (t & 7u);
    let r0 = group.y * 32u + (t >> 3u);
    if r0 >= lane.rows || k0 >= params.inputs {
        return;
    }
    var row_at: array<u32, 4>;
    for (var i = 0u; i < 4u; i += 1u) {
        row_at[i] = (lane.row0 + min(r0 + 8u * i, lane.rows - 1u)) * params.outputs;
    }
    var column: array<u32, 8>;
    for (var j = 0u; j < 8u; j += 1u) {
        column[j] = lane.weight_base + params.weight_offset + min(k0 + 8u * j, params.inputs - 1u);
    }
    var acc: array<array<vec4<f32>, 2>, 4>;
    var at = 0u;
    for (var o = 0u; o < params.outputs; o += 1u) {
        let a = vec4<f32>(operand2_at(column[0] + at), operand2_at(column[1] + at), operand2_at(column[2] + at), operand2_at(column[3] + at));
        let b = vec4<f32>(operand2_at(column[4] + at), operand2_at(column[5] + at), operand2_at(column[6] + at), operand2_at(column[7] + at));
        for (var i = 0u; i < 4u; i += 1u) {
            let g = operand3_at(row_at[i] + o);
            acc[i][0] += g * a;
            acc[i][1] += g * b;
        }
        at += params.inputs;
    }
    for (var i = 0u; i < 4u; i += 1u) {
        let r = r0 + 8u * i;
        for (var j = 0u; j < 8u; j += 1u) {
            let k = k0 + 8u * j;
            if r < lane.rows && k < params.inputs {
                dx[(lane.row0 + r) * params.inputs + k] = acc[i][j >> 2u][j & 3u];
            }
        }
    }
}
