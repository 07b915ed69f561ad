// out[copy][k][n] = weight (k, n), in the order in which products by tiles read them (lib/tiled_weights.wgsl:order), rows
// of columns in whole quads, 0 behind the last column. As many copies as there are lanes with weights of their own, else that of the first.
// A workgroup moves RUN weights of each of 32 columns by way of its memory, so that it reads and writes neighbours.
// Dispatch: x = weights of a column / RUN, y = columns / 32, z = copies. Traffic: the weights once in, once out.
#import lib/lanes.wgsl:lane
#import lib/tiled_weights.wgsl:tensor

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

// Weights of a run: those of the 32 columns lie 33 apart, in different banks.
const STEP: u32 = 33u;
var<workgroup> moved: array<f32, 32u * STEP>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let order = params.order;
    let depth = depth_of(order);
    let first = group.x * params.run;
    let n0 = group.y * 32u;
    let base = lanes[group.z].weight_base + params.offset;
    // In the order of the tensor: run by run of columns, or tap by tap of columns, of channels.
    let by_channel = order.across == 0u && order.taps <= 32u;
    let taps = select(params.run, order.taps, by_channel);
    for (var i = t; i < 32u * params.run; i += 64u) {
        let n = i / taps % 32u;
        let f = i / (32u * taps) * taps + i % taps;
        let flat = first + f;
        var weight = 0.0f;
        if flat < depth && n0 + n < order.columns {
            weight = weights[base + place_of(order, k_of(order, flat), n0 + n)];
        }
        moved[f * STEP + n] = weight;
    }
    workgroupBarrier();
    let row = (order.columns + 3u) / 4u;
    for (var i = t; i < 8u * params.run; i += 64u) {
        let flat = first + i / 8u;
        let quad = n0 / 4u + i % 8u;
        if flat < depth && quad < row {
            let at = i / 8u * STEP + i % 8u * 4u;
            out[(group.z * depth + k_of(order, flat)) * row + quad] = vec4<f32>(moved[at], moved[at + 1u], moved[at + 2u], moved[at + 3u]);
        }
    }
}
