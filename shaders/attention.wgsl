// y[i] = sum_j p_ij v[j], p_i = softmax of the scores s_ij = q[i] . k[j] / sqrt(head dim), for each sample and head; lse[i] = log of the
// sum over j of exp(s_ij), for the backward pass. A thread takes a query and goes over the keys, KEYS at a time, with a running maximum:
// the sums so far are scaled once a group of keys. Launch: lib/layers.wgsl:heads.
// Traffic: a query and an output row a thread; keys and values of the head a workgroup, all threads reading the same ones.
#import lib/values.wgsl:value
#import lib/layers.wgsl:heads

#operand @binding(2) qkv: Value
@group(0) @binding(3) var<storage, read_write> y: array<Value>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

const KEYS: u32 = 8u;

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let head = group.x % params.heads;
    let query = group.x / params.heads * THREADS + t;
    let last = params.tokens - 1u;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let token0 = row * params.tokens;
        let own = qkv_part(token0 + min(query, last), 0u, head);
        var q: Part;
        var acc: Part;
        for (var c = 0u; c < HEAD; c += 1u) {
            q[c] = qkv_at(own + c) * bitcast<f32>(FACTOR);
            acc[c] = Value();
        }
        // Below every score that is a number; NaN fails the comparison and comes through in the sums.
        var most = -3.0e38f;
        var sum = 0.0f;
        for (var first = 0u; first < params.tokens; first += KEYS) {
            var s: array<f32, KEYS>;
            var p: array<f32, KEYS>;
            var next = most;
            for (var j = 0u; j < KEYS; j += 1u) {
                let at = qkv_part(token0 + min(first + j, last), 1u, head);
                var dot = Value();
                for (var c = 0u; c < HEAD; c += 1u) {
                    dot += q[c] * qkv_at(at + c);
                }
                s[j] = total(dot);
                next = select(next, s[j], s[j] > next);
            }
            let rescale = exp_f32(most - next);
            sum *= rescale;
            for (var c = 0u; c < HEAD; c += 1u) {
                acc[c] *= rescale;
            }
            for (var j = 0u; j < KEYS; j += 1u) {
                p[j] = select(0.0f, exp_f32(s[j] - next), first + j <= last);
                sum += p[j];
            }
            for (var j = 0u; j < KEYS; j += 1u) {
                let at = qkv_part(token0 + min(first + j, last), 2u, head);
                for (var c = 0u; c < HEAD; c += 1u) {
                    acc[c] += p[j] * qkv_at(at + c);
                }
            }
            most = next;
        }
        if query <= last {
            let to = y_part(token0 + query, head);
            for (var c = 0u; c < HEAD; c += 1u) {
                y[to + c] = acc[c] / sum;
            }
            lse[(row * params.heads + head) * params.tokens + query] = most + log_f32(sum);
        }
    }
}
