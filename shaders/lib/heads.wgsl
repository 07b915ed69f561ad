// What the kernels of attention share. Rows of qkv are [q | k | v] of a token, each DIM = heads x head Values; rows of y and dy are DIM.
// A workgroup works on a head of a sample: a token a thread, THREADS of them; tokens beyond the last compute its values and store
// nothing. Launch: x = heads x tokens / THREADS, y = rows of the largest lane (at most 65,535, then strided), z = lanes.
#import lib/lane.wgsl
#import lib/math.wgsl

struct Params {
    tokens: u32,
    heads: u32,
    dim: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

const THREADS: u32 = 64u;
// Values of a head: dim / heads / WIDTH.
const HEAD: u32 = 1u;
// f32 bits of the factor of the scores, 1 / sqrt(dim / heads).
const FACTOR: u32 = 0x3f800000u;

// A head's part of a token.
alias Part = array<Value, HEAD>;

// First Value of the part of a token (row of the projection) in q (0), k (1) or v (2).
fn qkv_part(token: u32, part: u32, head: u32) -> u32 {
    return (token * 3u + part) * (params.heads * HEAD) + head * HEAD;
}

fn y_part(token: u32, head: u32) -> u32 {
    return (token * params.heads + head) * HEAD;
}
