// counts[label * 2 + correct] += 1 over rows. One row a thread; integer atomics, so that the order doesn't matter.
// Launch: rows items, folded over x and y. Traffic: reads two words a row.
#import lib/lanes.wgsl:items

struct Params {
    rows: u32,
    label_row: u32,
    correct_row: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> correct: array<u32>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<u32>>;

fn items() -> u32 {
    return params.rows;
}

fn take(item: u32, lane: u32) {
    atomicAdd(&counts[labels[params.label_row + item] * 2u + correct[params.correct_row + item]], 1u);
}
