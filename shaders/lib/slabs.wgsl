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

// The term that is number e of the slice that begins at k. Where slabs are whole a slice lies within one tap of one slab: what is divided
// is the same for all threads then.
fn term_within(k: u32, e: u32, channels: u32, taps: u32) -> Term {
    if (channels % SLAB != 0u) { return term_of(k + e, channels, taps); }
    let first = term_of(k, channels, taps);
    return Term(first.channel + e, first.tap);
}
