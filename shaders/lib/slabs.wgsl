// The order of a convolution's sum in products by tiles: channels in slabs of 16, or of a slice where that is more, and of each slab tap
// after tap (lib/term.wgsl), so that the terms of a slice are neighbours in memory, and a slab's values, which its taps share, stay near.
// Where SLAB doesn't divide the channels all of them are one slab.
#import lib/term.wgsl

const SLAB: u32 = max(16u, BLOCK_K);

fn slab_of(channels: u32) -> u32 {
    return select(channels, SLAB, channels % SLAB == 0u);
}

fn term_of(k: u32, channels: u32, taps: u32) -> Term {
    return term_in(k, slab_of(channels), taps);
}
