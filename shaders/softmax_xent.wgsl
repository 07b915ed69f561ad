// loss = (max - logit[label]) + log1p(sum over the classes but one maximum of exp(logit - max)); correct = 1 where the first
// maximum is the label. Near zero the sum is tiny and log1p keeps its digits. One row a thread, classes in order.
// Launch: x = rows of the largest lane / 64 (at most 65,535, then strided), z = lanes. Traffic: reads the logits twice.
// Some software drivers compile a kernel anew at each dispatch to put uniform loop bounds and conditions into it, which takes
// milliseconds: the zero added to them keeps it from that.
// MASKED: over the classes that the lane's client holds, the others' logits being -infinity (`lib/math.wgsl:softmax`).
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:softmax
#operand @binding(2) logits: f32

struct Params {
    classes: u32,
    stride: u32, // f32 from one client's weights to the next's; MASKED only
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<u32>;
#ifdef MASKED
@group(0) @binding(6) var<storage, read> masks: array<u32>;
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let classes = params.classes + group.y;
    let lane = lanes[group.z];
#ifdef MASKED
    mask_first = lane.weight_base / params.stride * ((params.classes + 31u) / 32u);
#endif
    for (var r = group.x * 64u + t; r < lane.rows; r += groups.x * 64u) {
        let first = (lane.row0 + r) * classes;
        let row = softmax_row(first, classes);
        let label = labels[lane.x_row + r];
        loss[lane.out_row + r] = (row.most - logits_at(first + label)) + log1p_f32(row.sum);
        correct[lane.out_row + r] = select(0u, 1u, row.best == label);
    }
}
