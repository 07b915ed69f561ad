// Activations of any row length, read as quads: `inputs` is an array<vec4<f32>>. INPUT_QUADS = 1 promises that every row length is
// a multiple of 4.
#import lib/window.wgsl

const INPUT_QUADS: u32 = 0u;

// Elements i..i+4 of a row of which `count` are left; those beyond it are 0.
fn input_four(i: u32, count: u32) -> vec4<f32> {
    if (INPUT_QUADS == 1u) {
        return inputs[i >> 2u];
    }
    let a = inputs[i >> 2u];
    let b = inputs[(i >> 2u) + 1u];
    return masked(window(a, b, i & 3u), count);
}
