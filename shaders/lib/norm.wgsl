// What the kernels of norms over images share: uniform block, lanes, the shape. Activations are [row][channel][pixel], or
// [row][pixel][channel] with channels last; their Values go along what lies innermost.
#import lib/lane.wgsl
#import lib/layout.wgsl

struct Params {
    channels: u32,
    // Group norm's; channels of a lane else.
    groups: u32,
    // Pixels of a channel.
    spatial: u32,
    scale_offset: u32,
    bias_offset: u32,
    // From a lane's base to its running statistics, in their own binding.
    mean_offset: u32,
    variance_offset: u32,
    relu: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// params.channels and params.spatial as constants, so that divisions by them compile to multiplications; PIXELS in Values, unless channels
// are last. GROUPS: params.groups, where channels are last.
#ifdef ANY_SHAPE
// From the uniform block, so that one pipeline serves all shapes.
var<private> CHANNELS: u32;
var<private> PIXELS: u32;
var<private> GROUPS: u32;
#else
const CHANNELS: u32 = 1u;
const PIXELS: u32 = 1u;
const GROUPS: u32 = 1u;
#endif

// To be called before the two are used, with the f32 of what is counted as pixels.
fn load_shape(width: u32) {
#ifdef ANY_SHAPE
    CHANNELS = params.channels;
    PIXELS = params.spatial / select(width, 1u, CHANNELS_LAST == 1u);
    GROUPS = params.groups;
#endif
}

const EPS: f32 = 1.0e-5f;
