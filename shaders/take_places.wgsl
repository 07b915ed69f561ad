// part[place(j) - base] = whole[j] for each parameter j that has a place in a sub-network's vector. One parameter a thread.
// Launch: count items, folded over x and y. Traffic: reads a place and a f32, writes a f32.
#import lib/lanes.wgsl:items

const ABSENT: u32 = 0xffffffffu;

struct Params {
    count: u32,
    base: u32, // the first index of the sub-network's vector that is bound
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> whole: array<f32>;
@group(0) @binding(3) var<storage, read_write> part: array<f32>;

fn items() -> u32 {
    return params.count;
}

fn take(item: u32, lane: u32) {
    let place = places[item];
    if place != ABSENT {
        part[place - params.base] = whole[item];
    }
}
