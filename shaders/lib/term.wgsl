// A term of a convolution's sum in products by tiles: channels in slabs, and of each slab tap after tap.
struct Term {
    channel: u32,
    tap: u32,
}

fn term_in(k: u32, slab: u32, taps: u32) -> Term {
    let in_slab = k % (slab * taps);
    return Term(k / (slab * taps) * slab + in_slab % slab, in_slab / slab);
}
