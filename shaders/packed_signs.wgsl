// Rademacher signs of a tensor, a bit each, in the order in which products by tiles read its weights (lib/tiled_weights.wgsl:order):
// bit n % 32 of out[lane][k][n / 32] is 1 where the sign of the weight of column n and term k is +1; behind the last column it is either.
// Dispatch: x = terms / 128, y = columns / 32, z = lane. A workgroup makes the signs of 32 columns, 128 weights each as they lie in the
// tensor, where they touch two blocks of the stream, and turns them. Traffic: a bit a weight and lane out.
#import lib/lanes.wgsl:lane
#import lib/stream.wgsl:elements
#import lib/tiled_weights.wgsl:tensor

@group(0) @binding(2) var<storage, read_write> out: array<u32>;

// Two blocks of each column.
var<workgroup> blocks: array<vec4<u32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let order = params.order;
    let lane = lanes[group.z];
    let depth = depth_of(order);
    let first = group.x * 128u;
    let n0 = group.y * 32u;
    // Flat index of column n0's weight number `first`.
    let corner = params.offset + n0 * depth + first;
    blocks[t] = rademacher_block(vec2<u32>(lane.seed_lo, lane.seed_hi), ((corner + t / 2u * depth) >> 7u) + t % 2u, 0u);
    workgroupBarrier();
    for (var own = t; own < 128u; own += 64u) {
        if first + own < depth {
            var word = 0u;
            for (var n = 0u; n < 32u; n++) {
                let i = corner + n * depth + own;
                let block = 2u * n + (i >> 7u) - ((corner + n * depth) >> 7u);
                word |= ((blocks[block][(i >> 5u) & 3u] >> (i & 31u)) & 1u) << n;
            }
            out[(group.z * depth + k_of(order, first + own)) * ((order.columns + 31u) / 32u) + group.y] = word;
        }
    }
}
