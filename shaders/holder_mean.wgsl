// w[j] = acc[j] / n(j) where n(j) > 0, else w[j]: n(j) is the number of clients that have parameter j. All of the whole model have it,
// those of the sub-network where it has a place there; of a row of the classifier only those of either that hold its class.
// One parameter a thread. Launch: count items, folded over x and y. Traffic: reads two f32 and a place, writes one f32.
#import lib/lanes.wgsl:items
#import lib/layers.wgsl:class_rows

const ABSENT: u32 = 0xffffffffu;

struct Params {
    count: u32,
    first: u32,  // the flat index of item 0
    whole: u32,  // clients of the whole model
    part: u32,   // clients of the sub-network
    weight_first: u32,
    weight_len: u32,
    row: u32,
    bias_first: u32,
    bias_len: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// How many of either hold a class: two a class.
@group(0) @binding(1) var<storage, read> holders: array<u32>;
@group(0) @binding(2) var<storage, read> places: array<u32>;
@group(0) @binding(3) var<storage, read> acc: array<f32>;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    let label = class_of(params.first + item);
    var whole = params.whole;
    var part = params.part;
    if label != NO_CLASS {
        whole = holders[2u * label];
        part = holders[2u * label + 1u];
    }
    let n = whole + select(part, 0u, places[item] == ABSENT);
    if n > 0u {
        weights[item] = acc[item] / f32(n);
    }
}
