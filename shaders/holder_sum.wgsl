// acc[j] += w[c][place(j)] over the clients c in order that have parameter j: place(j) = j, or with PLACED that of a sub-network's
// vector, which has some of the parameters; of a row of the classifier only clients that hold that label. One parameter a thread.
// Launch: count items, folded over x and y. Traffic: reads a sum and, with PLACED, a place; reads clients f32 where it has the parameter,
// writes a sum.
#import lib/lanes.wgsl:items
#import lib/layers.wgsl:class_rows

const ABSENT: u32 = 0xffffffffu;

struct Params {
    count: u32,
    first: u32,   // the flat index of item 0
    base: u32,    // the first index of a client's vector that is bound
    stride: u32,  // f32 from one client's vector to the next's
    clients: u32,
    words: u32,   // of a client's mask
    weight_first: u32,
    weight_len: u32,
    row: u32,
    bias_first: u32,
    bias_len: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> masks: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> acc: array<f32>;
#ifdef PLACED
@group(0) @binding(4) var<storage, read> places: array<u32>;
#endif

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    let index = params.first + item;
#ifdef PLACED
    let place = places[item];
    if place == ABSENT {
        return;
    }
#else
    let place = index;
#endif
    let label = class_of(index);
    var total = acc[item];
    for (var c = 0u; c < params.clients; c += 1u) {
        var has = true;
        if label != NO_CLASS {
            has = ((masks[c * params.words + (label >> 5u)] >> (label & 31u)) & 1u) != 0u;
        }
        if has {
            total += weights[c * params.stride + place - params.base];
        }
    }
    acc[item] = total;
}
