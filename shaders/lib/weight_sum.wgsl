// What the kernels of weights' gradients share: where a sum goes, and what it goes on from. They have a `sum` in their Params
// and what is summed into at binding 4.
#import lib/parts.wgsl
#import lib/gradient.wgsl

struct WeightSum {
    // Of the weight in what is summed into.
    offset: u32,
    // 1: X is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    // 1: the sum goes on from what is there.
    accumulate: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
}
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
