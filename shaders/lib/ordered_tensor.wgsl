// A tensor on its way into the order in which products by tiles read it (lib/tile_order.wgsl): the uniform block of the kernels that bring
// it there, and the lanes they do it for.
#import lib/tile_order.wgsl

struct Params {
    order: Order,
    // Flat index of the tensor.
    offset: u32,
    // tile_weights.wgsl, RUN: weights of a column that a workgroup moves, numbered [channel][tap], at most 32. Whole channels where a
    // channel's columns are neighbours in the tensor.
    run: u32,
    unused: u32,
    also_unused: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
