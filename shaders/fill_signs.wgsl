// out[i] = e_(start + i) of the rademacher stream, before tau.
// A thread makes one Philox block, 128 signs or 32 vec4; `store_signs` says who stores them. 64 threads a workgroup, folded over
// x and y. The last vec4 is written whole. (Passing the words through workgroup memory, so that neighbours store side by side, is four
// times slower on a software adapter than each thread's storing its own.)
// UNALIGNED: start is no multiple of 128, so a thread's signs come from two blocks.
// Traffic: 4 bytes written an element.
#import lib/stream.wgsl:elements
#import lib/stream.wgsl:position
#ifdef SUBGROUP
#import lib/lanes.wgsl:subgroup_place
#endif
struct Params {
    seed_lo: u32,
    seed_hi: u32,
    start_lo: u32,
    start_hi: u32,
    quads: u32, // vec4 to write
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;

override UNALIGNED: u32 = 0u;

fn block_at(position: vec2<u32>) -> vec4<u32> {
    let block = position_shift(position, 7u);
    return rademacher_block(vec2<u32>(params.seed_lo, params.seed_hi), block.x, block.y);
}

// 128 bits from bit `by` on of the 256 bits low, high.
fn funnel(low: vec4<u32>, high: vec4<u32>, by: u32) -> vec4<u32> {
    var a = low;
    var b = high;
    if (by & 64u) != 0u {
        a = vec4<u32>(a.zw, b.xy);
        b = vec4<u32>(b.zw, 0u, 0u);
    }
    if (by & 32u) != 0u {
        a = vec4<u32>(a.yzw, b.x);
        b = vec4<u32>(b.yzw, 0u);
    }
    // In two steps: a shift by 32 is none.
    let carry = (vec4<u32>(a.yzw, b.x) << vec4<u32>(1u)) << vec4<u32>(31u - (by & 31u));
    return (a >> vec4<u32>(by & 31u)) | carry;
}

// Of the four lowest bits. A selection: software adapters make it for a whole subgroup, arithmetic on bits again for each f32 they store.
fn signs(bits: u32) -> vec4<f32> {
    return select(vec4<f32>(-1.0f), vec4<f32>(1.0f), (vec4<u32>(bits) & vec4<u32>(1u, 2u, 4u, 8u)) != vec4<u32>());
}

// Stores the 128 signs of each invocation's block, 32 vec4 from `first` on.
#ifdef SUBGROUP
// GROUP invocations store each other's blocks one after another, side by side. An invocation that stores its own block leaves a gap of a
// block to what its neighbours store meanwhile, which costs a software adapter as much as the stores.
// At most the subgroup's size, and 8: invocations of a group store one word of a block, or half of one, at a time.
const GROUP: u32 = 8u;

fn store_signs(first: u32, words: vec4<u32>) {
    let place = subgroup_place();
    let own = place % GROUP;
    for (var j = 0u; j < GROUP; j++) {
        let source = place - own + j;
        let block = subgroupShuffle(words, source);
        let at = subgroupShuffle(first, source) + own;
        for (var k = 0u; k < 32u; k += GROUP) {
            if at + k < params.quads {
                out[at + k] = signs(block[k / 8u] >> ((k % 8u + own) * 4u));
            }
        }
    }
}
#else
// An invocation stores its own block.
const GROUP: u32 = 1u;

fn store_signs(first: u32, words: vec4<u32>) {
    for (var k = 0u; k < 32u; k++) {
        if first + k < params.quads {
            out[first + k] = signs(words[k / 8u] >> (k % 8u * 4u));
        }
    }
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first = ((id.y * groups.x + id.x) * 64u + thread) * 32u;
    let position = position_add(vec2<u32>(params.start_lo, params.start_hi), first * 4u);
    var x = block_at(position);
    if UNALIGNED != 0u {
        x = funnel(x, block_at(position_add(position, 128u)), params.start_lo & 127u);
    }
    store_signs(first, x);
}
