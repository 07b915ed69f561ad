// The order in which products by tiles read weights: k outermost, a row of columns n each (src/kernels/lib/tile_order.rs). `channels` and
// `taps` are those of the sum, `slab` its slabs' channels (lib/term.wgsl); `across` 1: a column's weights are neighbours in the tensor,
// [n][channel][tap], as in forward passes (a linear layer has one tap); 0: [channel][n][tap], as in the gradient of a convolution's input.
#import lib/term.wgsl

struct Order {
    channels: u32,
    taps: u32,
    slab: u32,
    columns: u32,
    across: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
    also_unused: u32,
    still_unused: u32,
}

fn depth_of(order: Order) -> u32 {
    return order.channels * order.taps;
}

// Where weight (k, n) lies in its tensor.
fn place_of(order: Order, k: u32, n: u32) -> u32 {
    let term = term_in(k, order.slab, order.taps);
    let outer = select(term.channel * order.columns + n, n * order.channels + term.channel, order.across == 1u);
    return outer * order.taps + term.tap;
}

// The k of the weight that is number `flat` of its column's.
fn k_of(order: Order, flat: u32) -> u32 {
    let channel = flat / order.taps;
    return channel / order.slab * (order.slab * order.taps) + flat % order.taps * order.slab + channel % order.slab;
}
