// dlogits = (softmax - onehot(label)) * coef, the lane's coef being 1 / batch size. With s the sum over the classes but one maximum of
// exp(logit - max), the maximum's own entry is -s / (1 + s) where it is the label: no digits are lost near zero loss.
// One row a thread. Launch: x = rows of the largest lane / 64 (at most 65,535, then strided), z = lanes.
// Traffic: reads the logits three times, writes them once.
// Some software drivers compile a kernel anew at each dispatch to put uniform loop bounds and conditions into it, which takes
// milliseconds: the zero added to them keeps it from that.
#import lib/lane.wgsl
#import lib/math.wgsl
#operand @binding(2) logits: f32

struct Params {
    classes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let classes = params.classes + group.y;
    let lane = lanes[group.z];
    for (var r = group.x * 64u + t; r < lane.rows; r += groups.x * 64u) {
        let first = (lane.row0 + r) * classes;
        var best = 0u;
        var most = logits_at(first);
        for (var c = 1u; c < classes; c += 1u) {
            let v = logits_at(first + c);
            if v > most {
                most = v;
                best = c;
            }
        }
        var sum = 0.0f;
        for (var c = 0u; c < classes; c += 1u) {
            if c != best {
                sum += exp_f32(logits_at(first + c) - most);
            }
        }
        let label = labels[lane.x_row + r];
        let whole = 1.0f + sum;
        for (var c = 0u; c < classes; c += 1u) {
            var p = 1.0f;
            if c != best {
                p = exp_f32(logits_at(first + c) - most);
            }
            var d = p / whole;
            if c == label {
                d = select(d - 1.0f, -sum / whole, c == best);
            }
            dlogits[first + c] = d * lane.coef;
        }
    }
}
