// Numbers as they lie in memory: Values, which are quads or single f32; rows of any length, read as quads; f16.

#section value
// Kernels over rows of f32 are written once, over `Value`s, and built twice: over quads, for rows whose length is a multiple of 4
// (QUADS), and over single f32, for any.
#ifdef QUADS
alias Value = vec4<f32>;
const WIDTH: u32 = 4u;

fn total(v: Value) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// For functions of one f32: a Value's elements in a quad, and back.
fn to_quad(v: Value) -> vec4<f32> {
    return v;
}

fn of_quad(q: vec4<f32>) -> Value {
    return q;
}
#else
alias Value = f32;
const WIDTH: u32 = 1u;

fn total(v: Value) -> f32 {
    return v;
}

fn to_quad(v: Value) -> vec4<f32> {
    return vec4<f32>(v, 0.0f, 0.0f, 0.0f);
}

fn of_quad(q: vec4<f32>) -> Value {
    return q.x;
}
#endif

#section window
// Four neighbouring floats of a row, from the two quads in which they lie.

// The quad of the last float to be read of a row's floats i..i+4, of which `count` are left, at least one: that of float i, or the next.
// Quads behind a row's end are not read: they may lie beyond the binding.
fn last_quad(i: u32, count: u32) -> u32 {
    return (i + min(count, 4u) - 1u) >> 2u;
}

// Four neighbouring floats of two quads, from float `first` (< 4) on.
fn window(a: vec4<f32>, b: vec4<f32>, first: u32) -> vec4<f32> {
    let one = (first & 1u) != 0u;
    let lo = select(a, vec4<f32>(a.yzw, b.x), one);
    let hi = select(b.xy, b.yz, one);
    return select(lo, vec4<f32>(lo.zw, hi), (first & 2u) != 0u);
}

// The first `count` of them; 0 for the others.
fn masked(v: vec4<f32>, count: u32) -> vec4<f32> {
    return select(vec4<f32>(), v, vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(count));
}

#section inputs
// Activations of any row length, read as quads (binding 3). INPUT_QUADS = 1 promises that every row length is a multiple of 4.
#import lib/values.wgsl:window

#operand @binding(3) input_quads: vec4<f32>

const INPUT_QUADS: u32 = 0u;

// Elements i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn input_four(i: u32, count: u32) -> vec4<f32> {
    let a = input_quads_at(i >> 2u);
    if (INPUT_QUADS == 1u) {
        return a;
    }
    return masked(window(a, input_quads_at(last_quad(i, count)), i & 3u), count);
}

#section gradient
// Gradients of outputs of any row length, read as quads (binding 2). DY_QUADS = 1 promises that every row length is a multiple of 4.
#import lib/values.wgsl:window

#operand @binding(2) dy_quads: vec4<f32>

const DY_QUADS: u32 = 0u;

fn dy_at(i: u32) -> f32 {
    return dy_quads_at(i >> 2u)[i & 3u];
}

// Elements i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn dy_four(i: u32, count: u32) -> vec4<f32> {
    let a = dy_quads_at(i >> 2u);
    if (DY_QUADS == 1u) {
        return a;
    }
    return masked(window(a, dy_quads_at(last_quad(i, count)), i & 3u), count);
}

#section weights
// Weights of any offset and row length, read as quads (binding 2). WEIGHT_QUADS = 1 promises that every offset and row length is
// a multiple of 4.
#import lib/values.wgsl:window

#operand @binding(2) weight_quads: vec4<f32>

const WEIGHT_QUADS: u32 = 0u;

fn weight_at(i: u32) -> f32 {
    return weight_quads_at(i >> 2u)[i & 3u];
}

// Weights i..i+4 of a row of which `count` are left, at least one; those beyond it are 0.
fn weight_four(i: u32, count: u32) -> vec4<f32> {
    let a = weight_quads_at(i >> 2u);
    if (WEIGHT_QUADS == 1u) {
        return a;
    }
    return masked(window(a, weight_quads_at(last_quad(i, count)), i & 3u), count);
}

#section halves
// Four f16 in two words, which operands of `Halves` read: as f32, those of element i of two in a texel, and back.
fn halves_as(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn halves_in(texel: vec4<u32>, i: u32) -> vec4<f32> {
    return halves_as(select(texel.xy, texel.zw, (i & 1u) == 1u));
}

fn halves_of(v: vec4<f32>) -> vec2<u32> {
    return vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw));
}

#section f16
// f32 as f16 without f16 in the language.

// The f16 that is next to each, ties to even, as f32; infinite beyond the largest.
fn nearest_f16(v: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(v);
    let rounded = (bits + vec4<u32>(0xfffu) + ((bits >> vec4<u32>(13u)) & vec4<u32>(1u))) & vec4<u32>(0xffffe000u);
    // f16 below 2^-14 are multiples of 2^-24.
    let small = round(v * 16777216.0f) * 5.9604645e-8f;
    let magnitude = bits & vec4<u32>(0x7fffffffu);
    let within = select(rounded, (bits & vec4<u32>(0x80000000u)) | vec4<u32>(0x7f800000u), magnitude >= vec4<u32>(0x477ff000u));
    return select(bitcast<vec4<f32>>(within), small, magnitude < vec4<u32>(0x38800000u));
}

// The first 11 binary digits of each, rounded: an f16 where no exponent of it is passed. In integers, since a compiler may hold an f32
// that is made an f16 and an f32 again for the f32.
fn high_part(v: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>((bitcast<vec4<u32>>(v) + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u));
}
