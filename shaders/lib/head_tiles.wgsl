// Tiles of attention in workgroup memory. A workgroup has QUERIES rows, 8 a team of 16 threads; a member of a team owns every 16th key of a
// block of KEYS, or every 16th quad of a head. Two products, both sums over k in order:
//   scores(at)        of 8 rows with the member's keys, over a head's elements
//   add_rows(at, n)   of 8 rows, n terms each, into the member's quads
// Rows of `along` are a quad longer than a head and those of `across` odd, so that neighbours lie in other banks.
const MEMBERS: u32 = 16u;
const QUERIES: u32 = 8u;
const KEYS: u32 = 16u;
// Keys that there are, at most KEYS: rows of `along`.
const STORED: u32 = 16u;
// Keys and quads of a member.
const OWN_KEYS: u32 = 1u;
const OWN_QUADS: u32 = 1u;
// Where the weights lie in `across`: behind the queries where these are wanted again, else in their place. Then all of its quads.
const WEIGHTS_AT: u32 = 0u;
const ACROSS: u32 = 64u;
const STEP: u32 = (QUERIES / 4u) | 1u;
const STRIDE: u32 = HEAD + 1u;

// Four rows of one k next to each other: [k][row]. Then four elements of a row: [row][element].
var<workgroup> across: array<vec4<f32>, ACROSS>;
var<workgroup> along: array<vec4<f32>, STORED * STRIDE>;

// Of 8 rows, in fours, and each own key.
struct Scores {
#for k in OWN_KEYS
#for h in 2
    s{h}_{k}: vec4<f32>,
#end
#end
}

// Of 8 rows each own quad.
struct Rows {
#for h in 2
#for e in 4
#for c in OWN_QUADS
    r{h}{e}_{c}: vec4<f32>,
#end
#end
#end
}

fn scores(at: u32, own: u32, member: u32) -> Scores {
    var sums: Scores;
#for k in OWN_KEYS
    let key{k} = min({k}u * MEMBERS + member, STORED - 1u) * STRIDE;
#end
    for (var c = 0u; c < HEAD; c += 1u) {
#for k in OWN_KEYS
        let b{k} = along[key{k} + c];
#end
#for e in 4
        {
            let begin = at + (4u * c + {e}u) * STEP + own / 4u;
#for h in 2
            let a{h} = across[begin + {h}u];
#for k in OWN_KEYS
            sums.s{h}_{k} = fma(a{h}, vec4<f32>(b{k}[{e}]), sums.s{h}_{k});
#end
#end
        }
#end
    }
    return sums;
}

fn add_rows(before: Rows, at: u32, terms: u32, own: u32, member: u32) -> Rows {
    var sums = before;
    for (var k = 0u; k < terms; k += 1u) {
        let begin = at + k * STEP + own / 4u;
#for h in 2
        let a{h} = across[begin + {h}u];
#end
#for c in OWN_QUADS
        let b{c} = along[k * STRIDE + min({c}u * MEMBERS + member, HEAD - 1u)];
#for h in 2
#for e in 4
        sums.r{h}{e}_{c} = fma(vec4<f32>(a{h}[{e}]), b{c}, sums.r{h}{e}_{c});
#end
#end
#end
    }
    return sums;
}
