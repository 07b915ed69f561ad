// y[r][i] = factor x[r][i], or 0 where u < threshold, u being word i mod 4 of philox(seed of row r, (i / 4, row, layer, DROPOUT)).
// Each row has its seed and its number in its client's batch, so that no mask depends on how rows are cut. One Value a thread;
// params.count is in f32. Launch: count / WIDTH items, folded over x and y. Traffic: reads one value, writes one; 16 bytes a row.
#import lib/values.wgsl:value
#import lib/lanes.wgsl:items
#import lib/stream.wgsl:philox

const DROPOUT: u32 = 0x5EED0004u;

struct Params {
    count: u32,
    len: u32, // f32 of a row, a multiple of WIDTH
    layer: u32,
    threshold: u32,
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<vec4<u32>>; // seed, low word and high; number in the batch; unused
#operand @binding(2) x: Value
@group(0) @binding(3) var<storage, read_write> y: array<Value>;

fn items() -> u32 {
    return params.count / WIDTH;
}

fn take(item: u32, lane: u32) {
    let row = item * WIDTH / params.len;
    let i = item * WIDTH - row * params.len;
    let of_row = rows[row];
    let words = philox(of_row.xy, vec4<u32>(i / 4u, of_row.z, params.layer, DROPOUT));
#ifdef QUADS
    let kept = words >= vec4<u32>(params.threshold);
#else
    let kept = words[i % 4u] >= params.threshold;
#endif
    y[item] = select(Value(), params.factor * x_at(item), kept);
}
