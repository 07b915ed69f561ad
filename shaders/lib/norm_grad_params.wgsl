// What the kernels of the gradients of norms' scales and biases share: uniform block, operands, the shape.
#import lib/value.wgsl
#import lib/parts.wgsl

struct Params {
    cut: Cut,
    channels: u32,
    groups: u32,
    spatial: u32,
    // Of scale and bias in what is summed into.
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

// params.channels, and params.spatial (in Values where channels come first), as constants, so that divisions by them compile to
// multiplications.
#ifdef ANY_SHAPE
var<private> CHANNELS: u32;
var<private> PIXELS: u32;
#else
const CHANNELS: u32 = 1u;
const PIXELS: u32 = 1u;
#endif

override BY_ROW: u32 = 1u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
#operand @binding(2) x: Value
#operand @binding(3) dy: Value
@group(0) @binding(4) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<f32>;

// To be called before the two are used, with the f32 of what is counted as pixels.
fn load_shape(width: u32) {
#ifdef ANY_SHAPE
    CHANNELS = params.channels;
    PIXELS = params.spatial / width;
#endif
}
