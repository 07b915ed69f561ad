// y = maximum (MODE 0) or mean (MODE 1) over windows of kernel_h x kernel_w at distance stride, no padding; what is left of an odd last
// row or column is dropped. Planes lie one after another, or with CHANNELS_LAST 1 value by value, `channels` of them. One output a thread.
// Launch: planes * out_h * out_w items, folded over x and y. Traffic: reads each input of a window once per window, writes each output
// once.
#import lib/lanes.wgsl:items
#import lib/images.wgsl:planes
#operand @binding(1) x: f32
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn items() -> u32 {
    return params.planes * params.out_h * params.out_w;
}

fn take(item: u32, lane: u32) {
    let outputs = params.out_h * params.out_w;
    let own = plane_of(item, params.channels, outputs);
    let oy = own.pixel / params.out_w;
    let ox = own.pixel - oy * params.out_w;
    let step = pixel_step(params.channels);
    let first = first_of_plane(own.plane, params.channels, params.h * params.w)
        + (oy * params.stride * params.w + ox * params.stride) * step;
    var value = select(x_at(first), 0.0f, MODE == 1u);
    for (var ky = 0u; ky < params.kernel_h; ky += 1u) {
        for (var kx = 0u; kx < params.kernel_w; kx += 1u) {
            let v = x_at(first + (ky * params.w + kx) * step);
            if MODE == 1u {
                value += v;
            } else if v > value || (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u {
                // NaN comes through; it is told by its bits, since compilers may assume that there is none.
                value = v;
            }
        }
    }
    if MODE == 1u {
        value /= f32(params.kernel_h * params.kernel_w);
    }
    y[item] = value;
}
