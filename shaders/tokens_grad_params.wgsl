// Gradients of positions and class token: sums of dy over a lane's rows, by blocks of samples; the class token's are those of
// position 0. A thread owns an element (token, d). Launch: x = (1 + patches) x dim / 64, z = lanes. Traffic: reads dy once.
#import lib/layers.wgsl:embedding
#import lib/lanes.wgsl:sample_block

#operand @binding(2) dy: f32
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let lane = lanes[group.z];
    let element = group.x * 64u + t;
    let elements = (1u + params.patches) * params.dim;
    if element >= elements {
        return;
    }
    let position_at = lane.weight_base + params.position_offset + element;
    let class_at = lane.weight_base + params.class_offset + min(element, params.dim - 1u);
    var position = 0.0f;
    var class_total = 0.0f;
    if params.accumulate != 0u {
        position = gradients[position_at];
        class_total = gradients[class_at];
    }
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let end = min(block + SAMPLE_BLOCK, lane.rows);
        var sum = 0.0f;
        for (var r = block; r < end; r += 1u) {
            sum += dy_at((lane.row0 + r) * elements + element);
        }
        position += sum;
        class_total += sum;
    }
    gradients[position_at] = position;
    if element < params.dim {
        gradients[class_at] = class_total;
    }
}
