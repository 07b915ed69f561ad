// loss = (max - logit[label]) + log1p(sum over the classes but one maximum of exp(logit - max)); correct = 1 where the first
// maximum is the label. Near zero the sum is tiny and log1p keeps its digits. One row a thread, classes in order.
// Launch: x = rows of the largest lane / THREADS (at most 65,535, then strided), z = lanes; of lanes with as many rows each where that
// leaves threads idle x = rows of all of them / THREADS. Traffic: reads the logits twice; FEW, of CLASSES classes: once.
// Some software drivers compile a kernel anew at each dispatch to put uniform loop bounds and conditions into it, which takes
// milliseconds: the zero added to them keeps it from that.
// MASKED: over the classes that the lane's client holds, the others' logits being -infinity (`lib/math.wgsl:softmax`).
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:softmax

struct Params {
    classes: u32,
    stride: u32, // f32 from one client's weights to the next's; MASKED only
    each: u32,   // rows of each of `lanes` lanes, where workgroups go over the rows of all; else 0
    lanes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#ifdef FEW
@group(0) @binding(2) var<storage, read> logits: array<f32>;
#else
#operand @binding(2) logits: f32
#endif
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;
@group(0) @binding(5) var<storage, read_write> correct: array<u32>;
#ifdef MASKED
@group(0) @binding(6) var<storage, read> masks: array<u32>;
#endif

const THREADS: u32 = 64u;

#ifdef FEW
const CLASSES: u32 = 1u;

fn logits_at(i: u32) -> f32 {
    return logits[i];
}

// As softmax_row, with a variable a class.
fn scored(first: u32, classes: u32) -> Row {
    var row = Row(0u, logit(first, 0u), 0.0f);
#for c in CLASSES
    let v{c} = logit(first, {c}u);
    if v{c} > row.most {
        row = Row({c}u, v{c}, 0.0f);
    }
#end
    var sum = 0.0f;
#for c in CLASSES
    sum += select(exp_f32(v{c} - row.most), 0.0f, row.best == {c}u);
#end
    row.sum = sum;
    return row;
}
#else
fn scored(first: u32, classes: u32) -> Row {
    return softmax_row(first, classes);
}
#endif

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let classes = params.classes + group.y;
    let item = group.x * THREADS + t;
    let each = max(params.each, 1u);
    let together = params.each != 0u;
    let index = select(group.z, min(item / each, params.lanes - 1u), together);
    let lane = lanes[index];
#ifdef MASKED
    mask_first = lane.weight_base / params.stride * ((params.classes + 31u) / 32u);
#endif
    // Nothing for items beyond the last lane.
    let end = select(lane.rows, 0u, together && item / each != index);
    for (var r = select(item, item % each, together); r < end; r += groups.x * THREADS) {
        let first = (lane.row0 + r) * classes;
        let row = scored(first, classes);
        let label = labels[lane.x_row + r];
        loss[lane.out_row + r] = (row.most - logits_at(first + label)) + log1p_f32(row.sum);
        correct[lane.out_row + r] = select(0u, 1u, row.best == label);
    }
}
