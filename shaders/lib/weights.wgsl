// Weights of any offset and row length, read as quads (binding 2). WEIGHT_QUADS = 1 promises that every offset and row length is
// a multiple of 4.
#import lib/window.wgsl

#operand @binding(2) weight_quads: vec4<f32>

const WEIGHT_QUADS: u32 = 0u;

fn weight_at(i: u32) -> f32 {
    return weight_quads_at(i >> 2u)[i & 3u];
}

// Weights i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn weight_four(i: u32, count: u32) -> vec4<f32> {
    let a = weight_quads_at(i >> 2u);
    if (WEIGHT_QUADS == 1u) {
        return a;
    }
    return masked(window(a, weight_quads_at(last_quad(i, count)), i & 3u), count);
}
