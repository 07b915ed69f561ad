// What the kernels share that replay a round's probes onto weights: bindings, probes four at a time, the weights of a word of signs.

#section bindings
// The bindings of the replay kernels: a probe is (seed low, seed high, value, minus), an i32 q and -q, or the bits of an f32 a and 0.
// OWNERS: onto several vectors at once, each owner's own probes onto its own vector; z is the owner. A header (bits of 2^-E, first vec4 of
// the owner's weights, 0, 0) stands before each owner's probes, of which all have the same number.
// FROM: to another vector, which all owners start from; else to what is there.
#operand @binding(1) probes: vec4<u32>

struct Params {
    probes: u32,
    weights: u32, // the element behind the last of this launch; those from it on in the last vec4 stay
    first: u32,   // first element of this launch, the first that is bound; a multiple of 128
    factor: u32,  // bits of 2^-E (exact replay onto one vector)
    once: u32,    // 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> weights: array<vec4<u32>>;

// Every kernel calls begin(workgroup_id.z) first.
#ifdef OWNERS
// The first of the owner's probes.
var<private> own_list: u32;
// The first vec4 of its weights.
var<private> own_weights: u32;
var<private> own_factor: u32;

fn begin(owner: u32) {
    own_list = owner * (params.probes + 1u) + 1u;
    let header = probes_at(own_list - 1u);
    own_factor = header.x;
    own_weights = header.y;
}

fn list_start() -> u32 {
    return own_list;
}

fn factor() -> u32 {
    return own_factor;
}

// Of the vec4 whose first element is i.
fn place_of(i: u32) -> u32 {
    return own_weights + ((i - params.first) >> 2u);
}
#else
fn begin(owner: u32) {}

fn list_start() -> u32 {
    return 0u;
}

fn factor() -> u32 {
    return params.factor;
}

fn place_of(i: u32) -> u32 {
    return (i - params.first) >> 2u;
}
#endif

// Probe j; beyond the last, zeros.
fn listed_probe(j: u32) -> vec4<u32> {
    return select(vec4<u32>(), probes_at(list_start() + min(j, params.probes - 1u)), j < params.probes);
}

// The vec4 whose first element is i; where texels are read, as it was copied before the launch: as f32, so that forward passes share them.
#ifdef FROM
#operand @binding(3) before: vec4<f32>

fn load_weights(i: u32) -> vec4<u32> {
    return bitcast<vec4<u32>>(before_at((i - params.first) >> 2u));
}
#else
#ifdef TEXELS
#operand @binding(3) before: vec4<f32>

fn load_weights(i: u32) -> vec4<u32> {
    return bitcast<vec4<u32>>(before_at(place_of(i)));
}
#else
fn load_weights(i: u32) -> vec4<u32> {
    return weights[place_of(i)];
}
#endif
#endif

// Stores the vec4 whose first element is i, as far as it belongs to the launch; the rest stays `old`.
fn store_weights(i: u32, old: vec4<u32>, value: vec4<u32>) {
    let inside = vec4<u32>(i) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(params.weights);
    weights[place_of(i)] = select(old, value, inside);
}

#section probes
// Four probes at a time, for kernels that import lib/replay.wgsl: `place` once, `own_probe` before each four, `probe` for each:
// probe(own, j, k) is probe j + k, k < 4 a literal, after own_probe(j, ..) gave `own`. Beyond the last, zeros. Every invocation of the
// workgroup must get here.
#ifdef SUBGROUP
// An invocation loads one of the four and the subgroup, of at least four, shares it. A load from a storage buffer costs a software
// adapter as much as ten Philox blocks.
#import lib/lanes.wgsl:subgroup_place

fn place() -> u32 {
    return subgroup_place() & 3u;
}

fn own_probe(j: u32, place: u32) -> vec4<u32> {
    return listed_probe(j + place);
}

fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    switch k {
        case 0u: { return subgroupBroadcast(own, 0u); }
        case 1u: { return subgroupBroadcast(own, 1u); }
        case 2u: { return subgroupBroadcast(own, 2u); }
        default: { return subgroupBroadcast(own, 3u); }
    }
}
#else
fn place() -> u32 {
    return 0u;
}

fn own_probe(j: u32, place: u32) -> vec4<u32> {
    return vec4<u32>();
}

fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    return listed_probe(j + k);
}
#endif

#section word_sums
// Sums of the 32 weights of a Rademacher word, for kernels that import lib/replay.wgsl:bindings and name what four sums are, Sum4:
// vec4<i32>, or vec4<f32>, in which they are exact. In registers: members by name, so that no index is left to run time (a software adapter
// gathers and scatters indexed private arrays, some GPUs put them in memory).
#import lib/exact.wgsl:add

struct WordSums {
    a: Sum4,
    b: Sum4,
    c: Sum4,
    d: Sum4,
    e: Sum4,
    f: Sum4,
    g: Sum4,
    h: Sum4,
}

fn store_sums(at: u32, sum: Sum4) {
    if at < params.weights {
        let old = load_weights(at);
        store_weights(at, old, add_exact4(old, vec4<i32>(sum), factor()));
    }
}

// Adds the sums to the 32 weights from element `at` on.
fn store_word(at: u32, s: WordSums) {
    store_sums(at, s.a);
    store_sums(at + 4u, s.b);
    store_sums(at + 8u, s.c);
    store_sums(at + 12u, s.d);
    store_sums(at + 16u, s.e);
    store_sums(at + 20u, s.f);
    store_sums(at + 24u, s.g);
    store_sums(at + 28u, s.h);
}
