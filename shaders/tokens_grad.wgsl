// dx[row][d][p] = dy[row][1 + p][d]: the patches' slopes as an image again. A thread owns an element (d, p) of every n-th row.
// Launch: x = dim x patches / 64, y = n, z = lanes. Traffic: reads dy, writes dx, once each.
#import lib/layers.wgsl:embedding
#operand @binding(2) dy: f32

@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let element = group.x * 64u + t;
    if element >= params.dim * params.patches {
        return;
    }
    // With channels last an image is all tokens but the first.
    let d = select(element / params.patches, element % params.dim, CHANNELS_LAST == 1u);
    let token = 1u + select(element % params.patches, element / params.dim, CHANNELS_LAST == 1u);
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        dx[row * params.dim * params.patches + element] = dy_at((row * (1u + params.patches) + token) * params.dim + d);
    }
}
