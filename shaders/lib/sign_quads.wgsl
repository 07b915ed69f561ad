// Core tier: an invocation stores the 32 vec4 of its own block's signs.
const GROUP: u32 = 1u;

fn store_signs(first: u32, words: vec4<u32>) {
    for (var k = 0u; k < 32u; k++) {
        if first + k < params.quads {
            out[first + k] = signs(words[k / 8u] >> (k % 8u * 4u));
        }
    }
}
