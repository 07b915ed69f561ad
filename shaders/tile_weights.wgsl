// out[copy][k][n] = weight (k, n), in the order in which products by tiles read them (lib/tile_order.wgsl), rows
// of columns in whole quads, 0 behind the last column. As many copies as there are lanes with weights of their own, else that of the first.
// Dispatch: x = quads of a copy / 64, y = fold of x, z = copies; a thread makes a quad. Traffic: the weights once in, once out.
#import lib/fold.wgsl
#import lib/lane.wgsl
#import lib/tile_order.wgsl

struct Params {
    order: Order,
    // Flat index of the tensor.
    offset: u32,
    unused: u32,
    also_unused: u32,
    still_unused: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let i = item_index(group, groups, t);
    let order = params.order;
    let row = (order.columns + 3u) / 4u;
    let count = depth_of(order) * row;
    if i >= count {
        return;
    }
    let first = lanes[group.z].weight_base + params.offset;
    var quad: vec4<f32>;
    for (var e = 0u; e < 4u; e++) {
        let n = i % row * 4u + e;
        if n < order.columns {
            quad[e] = weights[first + place_of(order, i / row, n)];
        }
    }
    out[group.z * count + i] = quad;
}
