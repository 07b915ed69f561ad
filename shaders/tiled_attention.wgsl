// Attention as in attention.wgsl, by tiles in workgroup memory (lib/layers.wgsl:head_tiles): a workgroup takes QUERIES queries of a
// sample's head and goes over its keys, KEYS at a time. Sums over keys go in order; a block's largest score and the sum of its exponentials
// are made of the 16 members' by one thread a query.
// Launch: x = heads x blocks of queries, y = rows of the largest lane (at most 65,535, then strided), z = lanes. Traffic: queries and
// outputs once, keys and values once a block of queries.
#import lib/layers.wgsl:heads
#import lib/layers.wgsl:head_tiles

// Heads are whole quads.
alias Value = vec4<f32>;

#operand @binding(2) qkv: vec4<f32>
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;

// Below every score that is a number; NaN fails comparisons and comes through in the sums.
const LEAST: f32 = -3.0e38f;

// Of each query: what the members found; the largest score so far, the sum of exponentials, what earlier sums are scaled by.
var<workgroup> found: array<f32, QUERIES * (MEMBERS + 1u)>;
var<workgroup> most: array<f32, QUERIES>;
var<workgroup> sum: array<f32, QUERIES>;
var<workgroup> rescale: array<f32, QUERIES>;

// Puts the keys (1) or values (2) of a block into `along`.
fn put_along(t: u32, part: u32, token0: u32, block: u32, head: u32) {
    for (var i = t; i < STORED * HEAD; i += THREADS) {
        let token = token0 + min(block + i / HEAD, params.tokens - 1u);
        along[i / HEAD * STRIDE + i % HEAD] = qkv_at(qkv_part(token, part, head) + i % HEAD);
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let head = group.x % params.heads;
    let first = group.x / params.heads * QUERIES;
    let last = params.tokens - 1u;
    let member = t % MEMBERS;
    let own = t / MEMBERS * 8u;
    for (var r = group.y; r < lane.rows; r += groups.y) {
        let row = lane.row0 + r;
        let token0 = row * params.tokens;
        for (var i = t; i < QUERIES / 4u * HEAD; i += THREADS) {
            let c = i % HEAD;
            let q = i / HEAD;
#for j in 4
            let a{j} = qkv_at(qkv_part(token0 + min(first + 4u * q + {j}u, last), 0u, head) + c) * bitcast<f32>(FACTOR);
#end
#for e in 4
            across[(4u * c + {e}u) * STEP + q] = vec4<f32>(a0[{e}], a1[{e}], a2[{e}], a3[{e}]);
#end
        }
        if t < QUERIES {
            most[t] = LEAST;
            sum[t] = 0.0f;
        }
        var rows: Rows;
        for (var block = 0u; block < params.tokens; block += KEYS) {
            put_along(t, 1u, token0, block, head);
            workgroupBarrier();
            var s = scores(0u, own, member);
            var largest0 = vec4<f32>(LEAST);
            var largest1 = vec4<f32>(LEAST);
#for k in OWN_KEYS
            let there{k} = block + {k}u * MEMBERS + member <= last;
#for h in 2
            let score{h}_{k} = select(vec4<f32>(LEAST), s.s{h}_{k}, there{k});
            largest{h} = select(largest{h}, score{h}_{k}, score{h}_{k} > largest{h});
#end
#end
#for h in 2
#for e in 4
            found[(own + 4u * {h}u + {e}u) * (MEMBERS + 1u) + member] = largest{h}[{e}];
#end
#end
            workgroupBarrier();
            if t < QUERIES {
                var largest = most[t];
                for (var k = 0u; k < MEMBERS; k += 1u) {
                    let v = found[t * (MEMBERS + 1u) + k];
                    largest = select(largest, v, v > largest);
                }
                rescale[t] = exp_f32(most[t] - largest);
                most[t] = largest;
            }
            put_along(t, 2u, token0, block, head);
            workgroupBarrier();
#for h in 2
#for e in 4
            {
                let largest = most[own + 4u * {h}u + {e}u];
                var part = 0.0f;
#for k in OWN_KEYS
                s.s{h}_{k}[{e}] = select(0.0f, exp_f32(s.s{h}_{k}[{e}] - largest), there{k});
                part += s.s{h}_{k}[{e}];
#end
                found[(own + 4u * {h}u + {e}u) * (MEMBERS + 1u) + member] = part;
                let scale = rescale[own + 4u * {h}u + {e}u];
#for c in OWN_QUADS
                rows.r{h}{e}_{c} *= scale;
#end
            }
#end
#end
#for k in OWN_KEYS
            if {k}u * MEMBERS + member < STORED {
#for h in 2
                across[WEIGHTS_AT + ({k}u * MEMBERS + member) * STEP + own / 4u + {h}u] = s.s{h}_{k};
#end
            }
#end
            workgroupBarrier();
            if t < QUERIES {
                var total = sum[t] * rescale[t];
                for (var k = 0u; k < MEMBERS; k += 1u) {
                    total += found[t * (MEMBERS + 1u) + k];
                }
                sum[t] = total;
            }
            rows = add_rows(rows, WEIGHTS_AT, min(STORED, params.tokens - block), own, member);
            workgroupBarrier();
        }
#for h in 2
#for e in 4
        {
            let query = first + own + 4u * {h}u + {e}u;
            if query <= last {
                let total = sum[own + 4u * {h}u + {e}u];
#for c in OWN_QUADS
                if {c}u * MEMBERS + member < HEAD {
                    y[y_part(token0 + query, head) + {c}u * MEMBERS + member] = rows.r{h}{e}_{c} / total;
                }
#end
            }
        }
#end
#end
        if t < QUERIES && first + t <= last {
            lse[(row * params.heads + head) * params.tokens + first + t] = most[t] + log_f32(sum[t]);
        }
        workgroupBarrier();
    }
}
