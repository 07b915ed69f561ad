// dW[o][c][i][j] = sum over rows and output pixels of dy[row][o][y][x] * X[row][c][y * stride + i - padding][x * stride + j - padding].
// Slot p of a thread is column tile * TILE_COLUMNS + p * MEMBERS + member. Traffic, launch and the rest: lib/conv.wgsl:grad_weight.
#import lib/images.wgsl:geometry
#import lib/conv.wgsl:grad_weight
#operand @binding(3) input: f32

// Where the channel of column p starts in a sample, and the column's tap, which may lead outside.
var<private> column: array<u32, TILE_Q>;
var<private> column_y: array<i32, TILE_Q>;
var<private> column_x: array<i32, TILE_Q>;

fn column_of(tile: u32, p: u32, member: u32) -> u32 {
    return tile * TILE_COLUMNS + p * MEMBERS + member;
}
fn start_columns(tile: u32, member: u32) {
    for (var p = 0u; p < TILE_Q; p++) {
        let q = min(column_of(tile, p, member), DEPTH - 1u);
        let tap = q % (KERNEL * KERNEL);
        column[p] = q / (KERNEL * KERNEL) * channel_step(IN_H * IN_W);
        column_y[p] = i32(tap / KERNEL) - i32(PADDING);
        column_x[p] = i32(tap % KERNEL) - i32(PADDING);
    }
}
fn tile_load(k: u32) {
    if (OUT_W % 4u == 0u) {
        // Four pixels of a row of the image.
        let top = i32(k / OUT_W * STRIDE);
        let side = vec4<i32>(i32(k % OUT_W * STRIDE)) + vec4<i32>(0, 1, 2, 3) * i32(STRIDE);
        for (var p = 0u; p < TILE_Q; p++) {
            let y = u32(top + column_y[p]);
            let x = bitcast<vec4<u32>>(side + vec4<i32>(column_x[p]));
            let inside = (x < vec4<u32>(IN_W)) & vec4<bool>(y < IN_H);
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p]) + (vec4<u32>(y * IN_W) + x) * pixel_step(IN_C), inside);
            let loaded = vec4<f32>(input_at(at.x), input_at(at.y), input_at(at.z), input_at(at.w));
            tile_x[p] = select(vec4<f32>(), loaded, inside);
        }
    } else {
        // Beyond the last pixel dy is 0.
        let pixel = min(vec4<u32>(k) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(PIXELS - 1u));
        let top = bitcast<vec4<i32>>(pixel / OUT_W * STRIDE);
        let side = bitcast<vec4<i32>>(pixel % OUT_W * STRIDE);
        for (var p = 0u; p < TILE_Q; p++) {
            let y = bitcast<vec4<u32>>(top + vec4<i32>(column_y[p]));
            let x = bitcast<vec4<u32>>(side + vec4<i32>(column_x[p]));
            let inside = (x < vec4<u32>(IN_W)) & (y < vec4<u32>(IN_H));
            let at = select(vec4<u32>(), vec4<u32>(x_sample + column[p]) + (y * IN_W + x) * pixel_step(IN_C), inside);
            let loaded = vec4<f32>(input_at(at.x), input_at(at.y), input_at(at.z), input_at(at.w));
            tile_x[p] = select(vec4<f32>(), loaded, inside);
        }
    }
}
