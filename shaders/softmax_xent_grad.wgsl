// dlogits = (softmax - onehot(label)) * coef, the lane's coef being 1 / batch size. With s the sum over the classes but one maximum of
// exp(logit - max), the maximum's own entry is -s / (1 + s) where it is the label: no digits are lost near zero loss.
// One row a thread. Launch: x = rows of the largest lane / 64 (at most 65,535, then strided), z = lanes.
// Traffic: reads the logits three times, writes them once.
// Some software drivers compile a kernel anew at each dispatch to put uniform loop bounds and conditions into it, which takes
// milliseconds: the zero added to them keeps it from that.
// SCALED: times the scale of the lane's client (src/kernels/lib/scales.rs).
// MASKED: over the classes that the lane's client holds, the others' logits being -infinity (`lib/math.wgsl:softmax`).
#import lib/lanes.wgsl:lane
#import lib/math.wgsl:softmax
#operand @binding(2) logits: f32

struct Params {
    classes: u32,
    stride: u32, // f32 from one client's weights to the next's; MASKED and SCALED only
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;
#ifdef MASKED
@group(0) @binding(5) var<storage, read> masks: array<u32>;
#ifdef SCALED
@group(0) @binding(6) var<storage, read> scales: array<u32>;
#endif
#else
#ifdef SCALED
@group(0) @binding(5) var<storage, read> scales: array<u32>;
#endif
#endif

fn store(row: Row, first: u32, c: u32, classes: u32, label: u32, coef: f32) {
    if c >= classes {
        return;
    }
    let whole = 1.0f + row.sum;
    let p = select(other_exp(row, first, c, classes), 1.0f, c == row.best);
    var d = p / whole;
    if c == label {
        d = select(d - 1.0f, -row.sum / whole, c == row.best);
    }
    dlogits[first + c] = d * coef;
}

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
#ifdef SCALED
    let coef = lane.coef * bitcast<f32>(scales[lane.weight_base / params.stride * 4u]);
#else
    let coef = lane.coef;
#endif
    for (var r = group.x * 64u + t; r < lane.rows; r += groups.x * 64u) {
        let first = (lane.row0 + r) * classes;
        let row = softmax_row(first, classes);
        let label = labels[lane.x_row + r];
        for (var c = 0u; c < classes; c += 4u) {
            store(row, first, c, classes, label, coef);
            store(row, first, c + 1u, classes, label, coef);
            store(row, first, c + 2u, classes, label, coef);
            store(row, first, c + 3u, classes, label, coef);
        }
    }
}
