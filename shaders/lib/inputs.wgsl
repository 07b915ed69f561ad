// Activations of any row length, read as quads (binding 3). INPUT_QUADS = 1 promises that every row length is a multiple of 4.
#import lib/window.wgsl

#operand @binding(3) input_quads: vec4<f32>

const INPUT_QUADS: u32 = 0u;

// Elements i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn input_four(i: u32, count: u32) -> vec4<f32> {
    let a = input_quads_at(i >> 2u);
    if (INPUT_QUADS == 1u) {
        return a;
    }
    return masked(window(a, input_quads_at(last_quad(i, count)), i & 3u), count);
}
