// The order of a convolution's sum in products by tiles: channels in slabs of 16, or of a slice where that is more, and of each slab tap after
// tap, so that the terms of a slice are neighbours in memory, and the weights of a slab, which its taps share, stay near. Where SLAB doesn't
// divide the channels all of them are one slab.
const SLAB: u32 = max(16u, BLOCK_K);

struct Term {
    channel: u32,
    tap: u32,
}

fn slab_of(channels: u32) -> u32 {
    return select(channels, SLAB, channels % SLAB == 0u);
}

fn term_of(k: u32, channels: u32, taps: u32) -> Term {
    let slab = slab_of(channels);
    let in_slab = k % (slab * taps);
    return Term(k / (slab * taps) * slab + in_slab % slab, in_slab / slab);
}
