// dx[row][ic][iy][ix] = sum over (ky, kx, oc) in this order of dy[row][oc][oy][ox] * W[oc][ic][ky][kx] where
// oy * stride + ky - padding = iy and the same for x; the lane's own weights. A thread makes 4 pixels x 8 input channels, a workgroup
// 256 pixels (of all rows of the lane, counted on) x 8 channels. Launch: x = rows * h * w / 256 of the largest lane (at most 65,535, then strided),
// y = channels / 8, z = lanes. Loads: 12 per 32 multiply-adds.
#import lib/lane.wgsl
// Operand 2 are the weights, operand 3 is dy.
#import lib/operand2.wgsl
#import lib/operand3.wgsl

struct Params {
    c: u32,
    h: u32,
    w: u32,
    out_c: u32,
    out_h: u32,
    out_w: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    weight_offset: u32,
    // 1: x is the batch of input samples (rows dy_from x_row on), 0: an activation (rows dy_from row0 on).
    from_batch: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

// Where in dy's plane the product with tap k of position i lies, or NONE.
const NONE: u32 = 0xffffffffu;

fn source(i: u32, k: u32, size: u32) -> u32 {
    let shifted = i + params.padding;
    if shifted < k {
        return NONE;
    }
    let o = (shifted - k) / params.stride;
    return select(NONE, o, o < size && o * params.stride == shifted - k);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let plane = params.h * params.w;
    let out_plane = params.out_h * params.out_w;
    let taps = params.kernel * params.kernel;
    let pixels = lane.rows * plane;
    let weights_at = lane.weight_base + params.weight_offset;
    var channel: array<u32, 8>;
    for (var i = 0u; i < 8u; i += 1u) {
        channel[i] = weights_at + min(group.y * 8u + i, params.c - 1u) * taps;
    }
    for (var tile = group.x; tile * 256u < pixels; tile += groups.x) {
        let q0 = tile * 256u + t;
        if q0 >= pixels {
            return;
        }
        var row: array<u32, 4>;
        var iy: array<u32, 4>;
        var ix: array<u32, 4>;
        for (var p = 0u; p < 4u; p += 1u) {
            let q = min(q0 + 64u * p, pixels - 1u);
            row[p] = q / plane;
            let at = q - row[p] * plane;
            iy[p] = at / params.w;
            ix[p] = at - iy[p] * params.w;
        }
        var acc: array<vec4<f32>, 8>;
        for (var i = 0u; i < 8u; i += 1u) {
            acc[i] = vec4<f32>(0.0f);
        }
        for (var ky = 0u; ky < params.kernel; ky += 1u) {
            for (var kx = 0u; kx < params.kernel; kx += 1u) {
                var dy_from = vec4<u32>(0u);
                var valid = vec4<bool>(false);
                for (var p = 0u; p < 4u; p += 1u) {
                    let oy = source(iy[p], ky, params.out_h);
                    let ox = source(ix[p], kx, params.out_w);
                    if oy != NONE && ox != NONE {
                        dy_from[p] = (lane.row0 + row[p]) * params.out_c * out_plane + oy * params.out_w + ox;
                        valid[p] = true;
                    }
                }
                if !any(valid) {
                    continue;
                }
                var at = ky * params.kernel + kx;
                for (var o = 0u; o < params.out_c; o += 1u) {
                    let loaded = vec4<f32>(operand3_at(dy_from.x), operand3_at(dy_from.y), operand3_at(dy_from.z), operand3_at(dy_from.w));
                    let g = select(vec4<f32>(0.0f), loaded, valid);
                    for (var i = 0u; i < 8u; i += 1u) {
                        acc[i] += g * operand2_at(channel[i] + at);
                    }
                    dy_from += select(vec4<u32>(0u), vec4<u32>(out_plane), valid);
                    at += params.c * taps;
                }
            }
        }
        for (var p = 0u; p < 4u; p += 1u) {
            let first = (lane.row0 + row[p]) * params.c * plane + iy[p] * params.w + ix[p];
            for (var i = 0u; i < 8u; i += 1u) {
                let ic = group.y * 8u + i;
                if q0 + 64u * p < pixels && ic < params.c {
                    dx[first + ic * plane] = acc[i][p];
                }
            }
        }
    }
}
