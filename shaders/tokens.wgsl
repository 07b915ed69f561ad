// y[row][0][d] = cls[d] + pos[0][d]; y[row][1 + p][d] = x[row][d][p] + pos[1 + p][d]; cls and pos perturbed. A thread owns an
// element (token, d) of every ROWS-th row, so that its weights are perturbed once. Launch: x = (1 + patches) x dim / 64,
// y = how many rows apart, z = lanes. Traffic: reads x, writes y, once each; weights once a workgroup.
#import lib/layers.wgsl:embedding
#import lib/weights.wgsl:weight
#operand @binding(3) x: f32

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let element = group.x * 64u + t;
    let token = element / params.dim;
    if token > params.patches || group.y >= lane.rows {
        return;
    }
    let d = element - token * params.dim;
    let position = weight_at(lane, params.position_offset + element);
    var class_part = 0.0f;
    if token == 0u {
        class_part = weight_at(lane, params.class_offset + d);
    }
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        var v = class_part;
        if token != 0u {
            v = x_at(row * params.dim * params.patches + d * channel_step(params.patches) + (token - 1u) * pixel_step(params.dim));
        }
        y[row * (1u + params.patches) * params.dim + element] = v + position;
    }
}
