// dx[row][c][y][x] = sum over (o, i, j) of W[o][c][i][j] * dy[row][o][(y + padding - i) / stride][(x + padding - j) / stride] where the
// divisions leave no rest; the lane's own weights. An implicit matrix product (lib/shuffle.wgsl:step) with rows c, columns (row, y, x) and
// depth (o / 4, i, j, o % 4). Each class of pixels (lib/images.wgsl:classes) has tiles of its own.
// Dispatch: x = input-channel tiles x classes, y = tiles of a class's pixels of the largest lane, z = lane; TEAMS * MEMBERS threads a tile.
// Traffic of a tile: the class's taps * OUT_C * (TILE_ROWS + TILE_COLUMNS) floats in, TILE_ROWS * TILE_COLUMNS out.
#import lib/lanes.wgsl:lane
#import lib/shuffle.wgsl:step
#operand @binding(2) weights: f32
#operand @binding(3) dy: f32
#import lib/images.wgsl:classes

struct Params {
    sizes: Sizes,
    weight_offset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// Of each row of slot (f, own) the index of W[0][c][0][0].
var<private> row: array<u32, TILE_O>;
// Of each column its sample in dy and the place that the class's first tap meets there.
var<private> column_sample: array<u32, TILE_Q>;
var<private> column_y: array<u32, TILE_Q>;
var<private> column_x: array<u32, TILE_Q>;
// The current tap: its number in the kernel, and among those of the family.
var<private> tap: u32;
var<private> tap_y: u32;
var<private> tap_x: u32;

// Output channel o + i; beyond the last one the last.
fn channel(o: u32, i: u32) -> u32 {
    return select(min(o + i, OUT_C - 1u), o + i, OUT_C % 4u == 0u);
}
fn tile_load(o: u32) {
    for (var p = 0u; p < TILE_Q; p++) {
        // Places before the first one wrap around to large ones.
        let y = column_y[p] - tap_y;
        let x = column_x[p] - tap_x;
        let inside = y < OUT_H && x < OUT_W;
        let i = column_sample[p] + select(0u, (y * OUT_W + x) * pixel_step(OUT_C), inside);
        let step = channel_step(PIXELS);
        let loaded = vec4<f32>(
            dy_at(i + o * step),
            dy_at(i + channel(o, 1u) * step),
            dy_at(i + channel(o, 2u) * step),
            dy_at(i + channel(o, 3u) * step),
        );
        let there = vec4<bool>(inside) & (vec4<u32>(o, o + 1u, o + 2u, o + 3u) < vec4<u32>(OUT_C));
        tile_x[p] = select(vec4<f32>(), loaded, there);
    }
}
fn tile_row_quad(f: u32, o: u32) -> vec4<f32> {
    let i = row[f] + tap;
    return vec4<f32>(
        weights_at(i + o * DEPTH),
        weights_at(i + channel(o, 1u) * DEPTH),
        weights_at(i + channel(o, 2u) * DEPTH),
        weights_at(i + channel(o, 3u) * DEPTH),
    );
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    load_geometry();
    let lane = lanes[group.z];
    let classes = STRIDE * STRIDE;
    let family = class_of(group.x % classes);
    let size = family.size;
    let columns = lane.rows * size.x * size.y;
    let q0 = group.y * TILE_COLUMNS;
    if (q0 >= columns) { return; }
    let member = thread % MEMBERS;
    let first = group.x / classes * TILE_ROWS + thread / MEMBERS * TILE_O * SHARE;
    for (var f = 0u; f < TILE_O; f++) {
        let c = min(first + f * SHARE + member % SHARE, IN_C - 1u);
        row[f] = lane.weight_base + params.weight_offset + c * KERNEL * KERNEL;
    }
    // Where each column's pixel lies in dx's first channel.
    var target_at: array<u32, TILE_Q>;
    for (var p = 0u; p < TILE_Q; p++) {
        let q = min(q0 + p * MEMBERS + member, columns - 1u);
        let sample = lane.row0 + q / (size.x * size.y);
        let pixel = q % (size.x * size.y);
        let at = vec2<u32>(pixel / size.y, pixel % size.y);
        column_sample[p] = sample * OUT_C * PIXELS;
        column_y[p] = family.start.x + at.x;
        column_x[p] = family.start.y + at.y;
        let place = family.first_pixel + at * STRIDE;
        target_at[p] = sample * IN_C * IN_H * IN_W + (place.x * IN_W + place.y) * pixel_step(IN_C);
    }
    let taps = family.taps;
    var sums: Tile;
    for (var o = 0u; o < OUT_C; o += 4u) {
        for (tap_y = 0u; tap_y < taps.x; tap_y++) {
            for (tap_x = 0u; tap_x < taps.y; tap_x++) {
                tap = (family.first_tap.x + tap_y * STRIDE) * KERNEL + family.first_tap.y + tap_x * STRIDE;
                tile_step(&sums, o);
            }
        }
    }
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let c = first + f * SHARE + j;
            for (var p = 0u; p < TILE_Q; p++) {
                if (q0 + p * MEMBERS + member < columns && c < IN_C) {
                    dx[target_at[p] + c * channel_step(IN_H * IN_W)] = sums[f][j][p];
                }
            }
        }
    }
}
