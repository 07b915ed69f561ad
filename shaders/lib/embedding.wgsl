// What the kernels of token embeddings share: [row][dim][patch] before, or [row][patch][dim] with channels last; [row][1 + patch][dim]
// behind, the class token first.
#import lib/lane.wgsl
#import lib/layout.wgsl

struct Params {
    dim: u32,
    patches: u32,
    // Flat indices of the class token [dim] and of the positions [1 + patches][dim].
    class_offset: u32,
    position_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
