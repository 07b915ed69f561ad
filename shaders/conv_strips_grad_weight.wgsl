// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding].
// Slot p of a thread is tap p of channel tile * MEMBERS + member: the window of a channel is read once for all its taps, in quads, which
// image rows are, before and after. TILE_Q is the number of taps. Dispatch and the rest: lib/conv.wgsl:grad_weight.
// Traffic of a thread: for each quad of pixels KERNEL * QUADS_ACROSS quads of X and TILE_O of dy.
#import lib/images.wgsl:fixed_geometry
#import lib/conv.wgsl:grad_weight
#operand @binding(3) input: vec4<f32>

// The window starts at a quad's first pixel, LEAD pixels early.
const LEAD: u32 = (4u - PADDING % 4u) % 4u;
const QUADS_ACROSS: u32 = (LEAD + 3u * STRIDE + KERNEL + 3u) / 4u;

// Where the thread's channel starts in a sample.
var<private> channel: u32;

fn column_of(tile: u32, p: u32, member: u32) -> u32 {
    return (tile * MEMBERS + member) * TILE_Q + p;
}
fn start_columns(tile: u32, member: u32) {
    channel = min(tile * MEMBERS + member, IN_C - 1u) * IN_H * IN_W;
}
fn tile_load(k: u32) {
    let top = i32(k / OUT_W * STRIDE) - i32(PADDING);
    let left = i32(k % OUT_W * STRIDE) - i32(PADDING + LEAD);
    var x: array<array<vec4<f32>, QUADS_ACROSS>, KERNEL>;
    for (var i = 0u; i < KERNEL; i++) {
        let y = u32(top + i32(i));
        for (var n = 0u; n < QUADS_ACROSS; n++) {
            let first = u32(left + i32(n * 4u));
            let inside = y < IN_H && first < IN_W;
            let at = x_sample + channel + select(0u, y * IN_W + first, inside);
            x[i][n] = select(vec4<f32>(), input_at(at >> 2u), inside);
        }
    }
    for (var p = 0u; p < TILE_Q; p++) {
        for (var e = 0u; e < 4u; e++) {
            let j = LEAD + e * STRIDE + p % KERNEL;
            tile_x[p][e] = x[p / KERNEL][j / 4u][j % 4u];
        }
    }
}
