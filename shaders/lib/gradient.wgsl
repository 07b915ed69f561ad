// Gradients of outputs of any row length, read as quads (binding 2). DY_QUADS = 1 promises that every row length is a multiple of 4.
#import lib/window.wgsl

#operand @binding(2) dy_quads: vec4<f32>

const DY_QUADS: u32 = 0u;

fn dy_at(i: u32) -> f32 {
    return dy_quads_at(i >> 2u)[i & 3u];
}

// Elements i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn dy_four(i: u32, count: u32) -> vec4<f32> {
    let a = dy_quads_at(i >> 2u);
    if (DY_QUADS == 1u) {
        return a;
    }
    return masked(window(a, dy_quads_at(last_quad(i, count)), i & 3u), count);
}
