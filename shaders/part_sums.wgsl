// The second pass of a split sum (lib/lanes.wgsl:parts): gradient = [gradient +] part + part + ..., in order. A part has the elements of
// one tensor or of two, those of the first as [row][tap][channel] where there are several taps, which is [row][channel][tap] in the tensor;
// a thread owns an element. Eight parts are loaded before the first of them is added.
// Launch: x, y = elements / 64, folded; z = lanes of the first pass's launch. Traffic: reads each part once.
#import lib/lanes.wgsl:items
#import lib/lanes.wgsl:parts

struct Params {
    cut: Cut,
    size: u32,
    offset: u32,
    first_size: u32,
    second_offset: u32,
    accumulate: u32,
    taps: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> parts: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

fn items() -> u32 {
    return params.size;
}

fn take(element: u32, lane: u32) {
    let size = params.size;
    let cut = params.cut;
    let owner = lanes[cut.first_lane + lane];
    let all = parts_of(cut, owner.rows);
    let count = min(cut.parts, all - min(all, cut.first_part));
    let second = element >= params.first_size;
    var place = element;
    if params.taps > 1u {
        let row = element / (params.taps * params.channels);
        let tap = element / params.channels % params.taps;
        place = (row * params.channels + element % params.channels) * params.taps + tap;
    }
    let tensor = select(params.offset + place, params.second_offset + element - params.first_size, second);
    let gradient_at = owner.weight_base + tensor;
    var total = 0.0f;
    if params.accumulate == 1u {
        total = gradients[gradient_at];
    }
    var at = lane * cut.parts * size + element;
    var remaining = count;
    for (; remaining >= 8u; remaining -= 8u) {
        let a = vec4<f32>(parts[at], parts[at + size], parts[at + 2u * size], parts[at + 3u * size]);
        at += 4u * size;
        let b = vec4<f32>(parts[at], parts[at + size], parts[at + 2u * size], parts[at + 3u * size]);
        at += 4u * size;
        total = total + a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w;
    }
    for (; remaining > 0u; remaining -= 1u) {
        total += parts[at];
        at += size;
    }
    gradients[gradient_at] = total;
}
