// x[out_row + r][f] = table[c][pixel[index[r]][f]], c the channel of f: a batch out of a page of the data set. The host computes the
// table, so that every device sees the same values.
// A thread makes the four values of a pixel word. Launch: rows * row_words items, folded over x and y.
// Traffic: reads rows * row_words words of pixels, writes rows * features f32.
#import lib/fold.wgsl

struct Params {
    rows: u32,
    features: u32,
    spatial: u32,
    row_words: u32,
    out_row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<f32>;
@group(0) @binding(4) var<storage, read_write> x: array<f32>;

const UNTOUCHED: u32 = 0xffffffffu;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    let r = item / params.row_words;
    if r >= params.rows {
        return;
    }
    let row = index[r];
    if row == UNTOUCHED {
        return;
    }
    let word_at = item - r * params.row_words;
    let word = pixels[row * params.row_words + word_at];
    let first = (params.out_row + r) * params.features;
    for (var b = 0u; b < 4u; b += 1u) {
        let f = word_at * 4u + b;
        if f < params.features {
            x[first + f] = table[f / params.spatial * 256u + ((word >> (8u * b)) & 0xffu)];
        }
    }
}
