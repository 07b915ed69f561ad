// out[copy][n][k] = weight (k, n) as f16, perturbed, in the order in which products by tiles read them (lib/tiled_weights.wgsl:order),
// columns of whole 64 k, 0 behind the last. As many copies as there are lanes with weights of their own, perturbed or not, else that of the
// first.
// Dispatch: x = eights of a copy / 64, y = fold of x, z = copies; a thread makes eight.
// Traffic: the weights once in, half of it out a copy.
#import lib/lanes.wgsl:items
#import lib/weights.wgsl:weight
#import lib/tiled_weights.wgsl:tensor
#import lib/values.wgsl:f16

@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<u32>>;

// Of a copy's column, the last of them filled up with 0.
fn eights_of_column() -> u32 {
    return (depth_of(params.order) + 63u) / 64u * 8u;
}

fn items() -> u32 {
    return params.order.columns * eights_of_column();
}

fn take(i: u32, lane: u32) {
    let order = params.order;
    let row = eights_of_column();
    let owner = lanes[lane];
    var eight: vec4<u32>;
    for (var pair = 0u; pair < 4u; pair += 1u) {
        var two: vec4<f32>;
        for (var e = 0u; e < 2u; e += 1u) {
            let k = i % row * 8u + 2u * pair + e;
            if k < depth_of(order) {
                two[e] = weight_at(owner, params.offset + place_of(order, k, i / row));
            }
        }
        eight[pair] = pack2x16float(nearest_f16(two).xy);
    }
    out[lane * items() + i] = eight;
}
