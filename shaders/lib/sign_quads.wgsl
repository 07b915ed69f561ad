// Stores the 128 signs of each invocation's block, 32 vec4 from `first` on. A kernel that imports this has `out`, params.quads and
// signs(bits).
#ifdef SUBGROUP
// GROUP invocations store each other's blocks one after another, side by side. An invocation that stores its own block leaves a gap of a
// block to what its neighbours store meanwhile, which costs a software adapter as much as the stores.
#import lib/subgroup_place.wgsl

// At most the subgroup's size, and 8: invocations of a group store one word of a block, or half of one, at a time.
const GROUP: u32 = 8u;

fn store_signs(first: u32, words: vec4<u32>) {
    let place = subgroup_place();
    let own = place % GROUP;
    for (var j = 0u; j < GROUP; j++) {
        let source = place - own + j;
        let block = subgroupShuffle(words, source);
        let at = subgroupShuffle(first, source) + own;
        for (var k = 0u; k < 32u; k += GROUP) {
            if at + k < params.quads {
                out[at + k] = signs(block[k / 8u] >> ((k % 8u + own) * 4u));
            }
        }
    }
}
#else
// An invocation stores its own block.
const GROUP: u32 = 1u;

fn store_signs(first: u32, words: vec4<u32>) {
    for (var k = 0u; k < 32u; k++) {
        if first + k < params.quads {
            out[first + k] = signs(words[k / 8u] >> (k % 8u * 4u));
        }
    }
}
#endif
