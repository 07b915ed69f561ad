// Exact replay of rademacher probes (perturbation-stream, Exact replay): acc = sum_j q_j e_i(seed_j), then w_i = w_i + f32(acc) * 2^-E.
// For GPUs, whose integer units bound it. Four probes at a time have a table of sixteen sums, sum_k (bit k of m ? q_k : -q_k): their words
// of the stream, four bits a weight after a transposition, pick an entry. Sums are integers below 2^24 and so exact in f32, whose
// additions other units do.
// A thread owns 32 weights, a word of a Philox block. The workgroup makes the words of 16 probes together, a block a thread and four
// probes, and hands them on through its memory: sums fit the registers of many threads.
// SHUFFLED: an entry lies in each invocation of a subgroup of 16 or more, LANES, and is picked by a shuffle; else in workgroup memory.
// THREADS threads a workgroup, folded over x and y; z: owners (lib/replay.wgsl:bindings).
// Traffic: 8 bytes a weight, from caches 32 bytes a probe and workgroup.
#import lib/stream.wgsl:elements
#import lib/replay.wgsl:bindings
#import lib/replay.wgsl:word_sums
#ifdef SHUFFLED
#import lib/lanes.wgsl:subgroup_place
#endif

alias Sum4 = vec4<f32>;

const THREADS: u32 = 64u;
const LANES: u32 = 16u;
const BLOCKS: u32 = THREADS / 4u;
// Probes of a pass.
const PASS: u32 = 16u;

// [probe][block]
var<workgroup> words: array<vec4<u32>, PASS * BLOCKS>;
// [four probes][m]
var<workgroup> table: array<f32, PASS * 4u>;

// Words of four probes as fields of four bits, a weight each: field r of word b holds the four bits of weight 4 r + b.
fn fields(w: vec4<u32>) -> vec4<u32> {
    let p = w.xy;
    let q = w.zw;
    let two = vec2<u32>(2u);
    let x = (p & vec2<u32>(0x33333333u)) | ((q << two) & vec2<u32>(0xCCCCCCCCu));
    let z = ((p >> two) & vec2<u32>(0x33333333u)) | (q & vec2<u32>(0xCCCCCCCCu));
    let even = vec2<u32>(x.x, z.x);
    let odd = vec2<u32>(x.y, z.y);
    let one = vec2<u32>(1u);
    let e = (even & vec2<u32>(0x55555555u)) | ((odd << one) & vec2<u32>(0xAAAAAAAAu));
    let o = ((even >> one) & vec2<u32>(0x55555555u)) | (odd & vec2<u32>(0xAAAAAAAAu));
    return vec4<u32>(e.x, o.x, e.y, o.y);
}

#ifdef SHUFFLED
// What of a table an invocation keeps. All LANES hold the sixteen entries, over and over: bits of other weights above an index's four
// pick the same entry further on.
fn kept(first: u32, mine: u32) -> f32 {
    return table[first + mine];
}

fn look(first: u32, entry: f32, f: u32) -> f32 {
    return subgroupShuffle(entry, f & (LANES - 1u));
}
#else
fn kept(first: u32, mine: u32) -> f32 {
    return 0.0f;
}

fn look(first: u32, entry: f32, f: u32) -> f32 {
    return table[first + (f & 15u)];
}
#endif

// Of weights 4 r to 4 r + 3, shift = 4 r.
fn added4(sum: vec4<f32>, first: u32, entry: f32, f: vec4<u32>, shift: u32) -> vec4<f32> {
    let a = look(first, entry, f.x >> shift);
    let b = look(first, entry, f.y >> shift);
    let c = look(first, entry, f.z >> shift);
    let d = look(first, entry, f.w >> shift);
    return sum + vec4<f32>(a, b, c, d);
}

// With the words of four probes, whose table begins at `first`.
fn added(s: WordSums, first: u32, mine: u32, w: vec4<u32>) -> WordSums {
    let f = fields(w);
    let entry = kept(first, mine);
    return WordSums(
        added4(s.a, first, entry, f, 0u),
        added4(s.b, first, entry, f, 4u),
        added4(s.c, first, entry, f, 8u),
        added4(s.d, first, entry, f, 12u),
        added4(s.e, first, entry, f, 16u),
        added4(s.f, first, entry, f, 20u),
        added4(s.g, first, entry, f, 24u),
        added4(s.h, first, entry, f, 28u),
    );
}

// Entry m of the table of the four probes from j on.
fn entry_of(j: u32, m: u32) -> f32 {
    var sum = 0i;
    for (var k = 0u; k < 4u; k++) {
        let q = listed_probe(j + k).zw;
        sum += bitcast<i32>(select(q.y, q.x, ((m >> k) & 1u) == 1u));
    }
    return f32(sum);
}

// The thread's words of four probes of the pass.
fn own_words(j: u32, thread: u32) -> vec4<u32> {
    let at = j * BLOCKS + (thread >> 2u);
    let w = thread & 3u;
    return vec4<u32>(words[at][w], words[at + BLOCKS][w], words[at + 2u * BLOCKS][w], words[at + 3u * BLOCKS][w]);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    begin(id.z);
    let start = params.first + (id.y * groups.x + id.x) * (THREADS * 32u);
    let block = (start >> 7u) + thread % BLOCKS;
#ifdef SHUFFLED
    let mine = subgroup_place() & 15u;
#else
    let mine = 0u;
#endif
    var s: WordSums;
    for (var first = 0u; first < params.probes; first += PASS) {
        for (var j = thread / BLOCKS; j < PASS; j += 4u) {
            words[j * BLOCKS + thread % BLOCKS] = rademacher_block(listed_probe(first + j).xy, block, 0u);
        }
        for (var e = thread; e < PASS * 4u; e += THREADS) {
            table[e] = entry_of(first + (e >> 4u) * 4u, e & 15u);
        }
        workgroupBarrier();
        s = added(s, 0u, mine, own_words(0u, thread));
        s = added(s, 16u, mine, own_words(4u, thread));
        s = added(s, 32u, mine, own_words(8u, thread));
        s = added(s, 48u, mine, own_words(12u, thread));
        workgroupBarrier();
    }
    store_word(start + thread * 32u, s);
}
