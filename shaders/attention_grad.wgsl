// Gradients of attention. With p_ij = exp(s_ij - lse_i), D_i = dy_i . y_i and g_ij = p_ij (dy_i . v_j - D_i) / sqrt(head dim):
// dq_i = sum_j g_ij k_j (PART 0), dk_j = sum_i g_ij q_i (PART 1), dv_j = sum_i p_ij dy_i (PART 2). A thread owns a query (PART 0) or a key
// and goes over the others in order; (lse, D) of 64 queries at a time lie in workgroup memory. Launch: lib/layers.wgsl:heads.
// Traffic: own rows a thread; the others' rows of the head a workgroup, all threads reading the same ones.
#import lib/values.wgsl:value
#import lib/layers.wgsl:heads

#operand @binding(2) qkv: Value
#operand @binding(3) dy: Value
#operand @binding(4) y: Value
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> dqkv: array<Value>;

const PART: u32 = 0u;
const OTHERS: u32 = 64u;

var<workgroup> queries: array<vec2<f32>, OTHERS>;

// (lse, D) of a query whose score row is `at`.
fn query_of(token: u32, head: u32, at: u32) -> vec2<f32> {
    let part = y_part(token, head);
    var dot = Value();
    for (var c = 0u; c < HEAD; c += 1u) {
        dot += dy_at(part + c) * y_at(part + c);
    }
    return vec2<f32>(lse[at], total(dot));
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let head = group.x % params.heads;
    let own = group.x / params.heads * THREADS + t;
    let last = params.tokens - 1u;
    let factor = bitcast<f32>(FACTOR);
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let token0 = row * params.tokens;
        let token = token0 + min(own, last);
        let score0 = (row * params.heads + head) * params.tokens;
        // The own query and slope, or the own key and value.
        var a: Part;
        var b: Part;
        var acc: Part;
        let a_at = qkv_part(token, select(1u, 0u, PART == 0u), head);
        for (var c = 0u; c < HEAD; c += 1u) {
            a[c] = qkv_at(a_at + c) * factor;
            if PART == 0u {
                b[c] = dy_at(y_part(token, head) + c);
            } else if PART == 1u {
                b[c] = qkv_at(qkv_part(token, 2u, head) + c);
            }
            acc[c] = Value();
        }
        var query: vec2<f32>;
        if PART == 0u {
            query = query_of(token, head, score0 + min(own, last));
        }
        for (var block = 0u; block < params.tokens; block += OTHERS) {
            if PART != 0u {
                workgroupBarrier();
                for (var k = t; k < OTHERS; k += THREADS) {
                    let other = min(block + k, last);
                    queries[k] = query_of(token0 + other, head, score0 + other);
                }
                workgroupBarrier();
            }
            let end = min(block + OTHERS, params.tokens);
            for (var other = block; other < end; other += 1u) {
                if PART != 0u {
                    query = queries[other - block];
                }
                let a_other = qkv_part(token0 + other, select(0u, 1u, PART == 0u), head);
                let v_other = qkv_part(token0 + other, 2u, head);
                let y_other = y_part(token0 + other, head);
                var score = Value();
                var slope = Value();
                for (var c = 0u; c < HEAD; c += 1u) {
                    score += a[c] * qkv_at(a_other + c);
                    if PART == 0u {
                        slope += b[c] * qkv_at(v_other + c);
                    } else if PART == 1u {
                        slope += b[c] * dy_at(y_other + c);
                    }
                }
                let p = exp_f32(total(score) - query.x);
                let g = p * (total(slope) - query.y) * factor;
                for (var c = 0u; c < HEAD; c += 1u) {
                    if PART == 2u {
                        acc[c] += p * dy_at(y_other + c);
                    } else {
                        acc[c] += g * qkv_at(a_other + c);
                    }
                }
            }
        }
        if own <= last {
            let to = qkv_part(token, PART, head);
            for (var c = 0u; c < HEAD; c += 1u) {
                dqkv[to + c] = acc[c];
            }
        }
    }
}
