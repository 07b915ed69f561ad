// out[seed][part] = sum of e_i^2 over a part of the gaussian elements i < elements of a seed's stream: PART of them, fewer in the last.
// A workgroup a (seed, part): thread t takes blocks t, t + 64, ... of the part, in four sums, which are added; then a tree.
// Launch: items first to end of seed * parts + part, folded over x and y. Traffic: 4 bytes written an item.
#import lib/stream.wgsl:elements
#import lib/lanes.wgsl:tree

struct Params {
    elements: u32,
    parts: u32, // of a seed
    first: u32, // items of this launch
    end: u32,
}

// Blocks of four elements of a part.
const PART_BLOCKS: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> seeds: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = params.first + group.y * groups.x + group.x;
    if item >= params.end {
        return;
    }
    let seed = seeds[item / params.parts];
    let first = item % params.parts * PART_BLOCKS;
    let end = min(first + PART_BLOCKS, (params.elements + 3u) / 4u);
    var sums = vec4<f32>();
    for (var block = first + t; block < end; block += 64u) {
        let inside = vec4<u32>(block * 4u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.elements);
        let e = select(vec4<f32>(), gaussian_block(seed, block, 0u), inside);
        sums += e * e;
    }
    let whole = tree_sum(t, vec2<f32>((sums.x + sums.y) + (sums.z + sums.w), 0.0f)).x;
    if t == 0u {
        out[item] = whole;
    }
}
