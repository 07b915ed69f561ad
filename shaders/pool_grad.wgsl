// dx of pool: each input sums, over the windows that cover it in order, dy where it is the window's first maximum (MODE 0), or
// dy / window size (MODE 1). One input a thread. Launch: planes * h * w items, folded over x and y.
// Traffic: per input and covering window one dy and, for MODE 0, the window's inputs; writes dx once.
#import lib/fold.wgsl

struct Params {
    planes: u32,
    h: u32,
    w: u32,
    out_h: u32,
    out_w: u32,
    kernel_h: u32,
    kernel_w: u32,
    stride: u32,
}

override MODE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: Params;
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

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    let inputs = params.h * params.w;
    let plane = item / inputs;
    if plane >= params.planes {
        return;
    }
    let at = item - plane * inputs;
    let iy = at / params.w;
    let ix = at - iy * params.w;
    var sum = 0.0f;
    for (var oy = first_window(iy, params.kernel_h); oy < params.out_h && oy * params.stride <= iy; oy += 1u) {
        for (var ox = first_window(ix, params.kernel_w); ox < params.out_w && ox * params.stride <= ix; ox += 1u) {
            let g = dy[(plane * params.out_h + oy) * params.out_w + ox];
            if MODE == 1u {
                sum += g / f32(params.kernel_h * params.kernel_w);
                continue;
            }
            let first = (plane * params.h + oy * params.stride) * params.w + ox * params.stride;
            var best = first;
            var value = x[first];
            for (var ky = 0u; ky < params.kernel_h; ky += 1u) {
                for (var kx = 0u; kx < params.kernel_w; kx += 1u) {
                    let v = x[first + ky * params.w + kx];
                    if v > value {
                        value = v;
                        best = first + ky * params.w + kx;
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
