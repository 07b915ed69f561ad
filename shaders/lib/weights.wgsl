// Weights of any offset and row length, read as quads: `weights` is an array<vec4<f32>>. WEIGHT_QUADS = 1 promises that every
// offset and row length is a multiple of 4.
#import lib/window.wgsl

const WEIGHT_QUADS: u32 = 0u;

fn weight_at(i: u32) -> f32 {
    return weights[i >> 2u][i & 3u];
}

// Weights i..i+4 of a row of which `count` are left; those beyond it are 0.
fn weight_four(i: u32, count: u32) -> vec4<f32> {
    if (WEIGHT_QUADS == 1u) {
        return weights[i >> 2u];
    }
    let a = weights[i >> 2u];
    let b = weights[(i >> 2u) + 1u];
    return masked(window(a, b, i & 3u), count);
}
