// dx of pool: each input sums, over the windows that cover it in order, dy where it is the window's first maximum (MODE 0), or
// dy / window size (MODE 1). Planes lie as in pool. One input a thread. Launch: planes * h * w items, folded over x and y.
// Traffic: per input and covering window one dy and, for MODE 0, the window's inputs; writes dx once.
#import lib/lanes.wgsl:items
#import lib/images.wgsl:planes

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

// The first window that covers position i: the least o with o * stride + kernel > i.
fn first_window(i: u32, kernel: u32) -> u32 {
    if i < kernel {
        return 0u;
    }
    return (i - kernel) / params.stride + 1u;
}

fn items() -> u32 {
    return params.planes * params.h * params.w;
}

fn take(item: u32, lane: u32) {
    let inputs = params.h * params.w;
    let own = plane_of(item, params.channels, inputs);
    let iy = own.pixel / params.w;
    let ix = own.pixel - iy * params.w;
    let step = pixel_step(params.channels);
    let x_plane = first_of_plane(own.plane, params.channels, inputs);
    let dy_plane = first_of_plane(own.plane, params.channels, params.out_h * params.out_w);
    var sum = 0.0f;
    for (var oy = first_window(iy, params.kernel_h); oy < params.out_h && oy * params.stride <= iy; oy += 1u) {
        for (var ox = first_window(ix, params.kernel_w); ox < params.out_w && ox * params.stride <= ix; ox += 1u) {
            let g = dy[dy_plane + (oy * params.out_w + ox) * step];
            if MODE == 1u {
                sum += g / f32(params.kernel_h * params.kernel_w);
                continue;
            }
            let first = x_plane + (oy * params.stride * params.w + ox * params.stride) * step;
            var best = first;
            var value = x[first];
            for (var ky = 0u; ky < params.kernel_h; ky += 1u) {
                for (var kx = 0u; kx < params.kernel_w; kx += 1u) {
                    let at = first + (ky * params.w + kx) * step;
                    let v = x[at];
                    if v > value {
                        value = v;
                        best = at;
                    }
                }
            }
            if best == item {
                sum += g;
            }
        }
    }
    dx[item] = sum;
}
