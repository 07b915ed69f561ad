// x[out_row + r][f] = table[c][pixel[index[r]][f]], c the channel of f: a batch out of a page of the data set. The host computes the
// table, so that every device sees the same values. With FLOATS a page holds f32 that are taken as they are.
// With MOVED a row is an image of `height` x `width` pixels, moved within a border of `pad`: (dx, dy) from 0 to 2 pad, then mirrored where
// `flip` is 1; its value at (y, x) is that at (y + dy - pad, x' + dx - pad), x' = x or width - 1 - x, of a black pixel outside (of 0 with
// FLOATS).
// With CHANNELS_LAST 1 the features of what is written lie pixel by pixel, CHANNELS of each; f is counted as in the page all the same.
// A thread makes four values of a row, those of a pixel word. Launch: rows * quads items, folded over x and y.
// Traffic: reads rows * row_words words of pixels, writes rows * features f32.
#import lib/lanes.wgsl:items
#import lib/images.wgsl:layout

struct Params {
    rows: u32,
    features: u32,
    spatial: u32,
    row_words: u32,
    out_row: u32,
    quads: u32,
    width: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;
#ifdef MOVED
@group(0) @binding(5) var<storage, read> moves: array<u32>;
#endif

// Of the model's input, where channels are last.
const CHANNELS: u32 = 1u;

const UNTOUCHED: u32 = 0xffffffffu;

// What a byte of feature f stands for.
fn value(f: u32, byte: u32) -> f32 {
    return table[f / params.spatial * 256u + byte];
}

// Feature f of the page's row that begins at word `first`.
fn at(first: u32, f: u32) -> f32 {
#ifdef FLOATS
    return bitcast<f32>(pixels[first + f]);
#else
    return value(f, (pixels[first + (f >> 2u)] >> (8u * (f & 3u))) & 0xffu);
#endif
}

#ifdef MOVED
// The same of the row moved by `how`: dx in the low byte, dy in the next, flip in the third.
fn moved(first: u32, f: u32, how: u32) -> f32 {
    let channel = f / params.spatial;
    let pixel = f - channel * params.spatial;
    let height = params.spatial / params.width;
    let row = pixel / params.width;
    var column = pixel - row * params.width;
    column = select(column, params.width - 1u - column, ((how >> 16u) & 1u) == 1u);
    // Left of or above the image these wrap far beyond it.
    let from_x = column + (how & 0xffu) - params.pad;
    let from_y = row + ((how >> 8u) & 0xffu) - params.pad;
    if from_x >= params.width || from_y >= height {
#ifdef FLOATS
        return 0.0f;
#else
        return value(f, 0u);
#endif
    }
    return at(first, channel * params.spatial + from_y * params.width + from_x);
}
#endif

fn items() -> u32 {
    return params.rows * params.quads;
}

fn take(item: u32, lane: u32) {
    let r = item / params.quads;
    let row = index[r];
    if row == UNTOUCHED {
        return;
    }
    let quad = item - r * params.quads;
    let source = row * params.row_words;
    let first = (params.out_row + r) * params.features;
#ifdef MOVED
    let how = moves[r];
#else
#ifndef FLOATS
    let word = pixels[source + quad];
#endif
#endif
    for (var b = 0u; b < 4u; b += 1u) {
        let to = quad * 4u + b;
        if to < params.features {
            let f = select(to, to % CHANNELS * (params.features / CHANNELS) + to / CHANNELS, CHANNELS_LAST == 1u);
#ifdef MOVED
            x[first + to] = moved(source, f, how);
#else
#ifdef FLOATS
            x[first + to] = at(source, f);
#else
            if CHANNELS_LAST == 1u {
                x[first + to] = at(source, f);
            } else {
                x[first + to] = value(f, (word >> (8u * b)) & 0xffu);
            }
#endif
#endif
        }
    }
}
