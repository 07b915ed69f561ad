// dW[oc][j] = sum over rows and output pixels of dy[row][oc][oy][ox] * x[row][ic][oy * stride + ky - padding][ox * stride + kx - padding],
// j = (ic, ky, kx), by blocks of samples. A workgroup makes 8 channels oc x 8 taps j: thread t sums items t, t + 64, ... of a block (sample by
// sample, pixel by pixel) for all 64, which are then added over the threads in order, an output a thread.
// Launch: x = c * kernel^2 / 8, y = out_c / 8, z = lanes. Loads: 16 per 64 multiply-adds; workgroup memory 8 KiB.
#import lib/lane.wgsl
// Operand 2 is x, operand 3 is dy.
#import lib/operand2.wgsl
#import lib/operand3.wgsl
#import lib/block.wgsl

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
    // 1: x is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(4) var<storage, read_write> gradients: array<f32>;

// Sums of 32 of the outputs: [thread][output].
var<workgroup> partials: array<f32, 2048>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let taps = params.kernel * params.kernel;
    let columns = params.c * taps;
    let plane = params.h * params.w;
    let out_plane = params.out_h * params.out_w;
    let o0 = group.y * 8u;
    let j0 = group.x * 8u;
    // Of each tap its channel's place and its offset in the image.
    var tap_at: array<u32, 8>;
    var tap_y: array<i32, 8>;
    var tap_x: array<i32, 8>;
    for (var j = 0u; j < 8u; j += 1u) {
        let column = min(j0 + j, columns - 1u);
        let ic = column / taps;
        let tap = column - ic * taps;
        let ky = tap / params.kernel;
        tap_at[j] = ic * plane;
        tap_y[j] = i32(ky) - i32(params.padding);
        tap_x[j] = i32(tap - ky * params.kernel) - i32(params.padding);
    }
    // This thread's output in the end.
    let own_o = o0 + (t >> 3u);
    let own_j = j0 + (t & 7u);
    let owns = own_o < params.out_c && own_j < columns;
    let slot = lane.weight_base + params.weight_offset + min(own_o, params.out_c - 1u) * columns + min(own_j, columns - 1u);
    var total = select(0.0f, gradients[slot], params.accumulate != 0u);
    let x_row = select(lane.row0, lane.x_row, params.from_batch != 0u);
    for (var block = 0u; block < lane.rows; block += SAMPLE_BLOCK) {
        let items = min(SAMPLE_BLOCK, lane.rows - block) * out_plane;
        var acc: array<array<vec4<f32>, 2>, 8>;
        for (var i = 0u; i < 8u; i += 1u) {
            acc[i][0] = vec4<f32>(0.0f);
            acc[i][1] = vec4<f32>(0.0f);
        }
        for (var u = t; u < items; u += 64u) {
            let sample = u / out_plane;
            let pixel = u - sample * out_plane;
            let oy = pixel / params.out_w;
            let y0 = i32(oy * params.stride);
            let x0 = i32((pixel - oy * params.out_w) * params.stride);
            let image = (x_row + block + sample) * params.c * plane;
            var a = vec4<f32>(0.0f);
            var b = vec4<f32>(0.0f);
            for (var j = 0u; j < 4u; j += 1u) {
                a[j] = value_at(image + tap_at[j], y0 + tap_y[j], x0 + tap_x[j]);
                b[j] = value_at(image + tap_at[j + 4u], y0 + tap_y[j + 4u], x0 + tap_x[j + 4u]);
            }
            let row = (lane.row0 + block + sample) * params.out_c;
            for (var i = 0u; i < 8u; i += 1u) {
                let g = operand3_at((row + min(o0 + i, params.out_c - 1u)) * out_plane + pixel);
                acc[i][0] += g * a;
                acc[i][1] += g * b;
            }
        }
        for (var half = 0u; half < 2u; half += 1u) {
            workgroupBarrier();
            for (var i = 0u; i < 4u; i += 1u) {
                for (var j = 0u; j < 8u; j += 1u) {
                    let value = select(acc[i][j >> 2u][j & 3u], acc[i + 4u][j >> 2u][j & 3u], half == 1u);
                    partials[t * 32u + i * 8u + j] = value;
                }
            }
            workgroupBarrier();
            if (t >> 5u) == half {
                var sum = 0.0f;
                for (var k = 0u; k < 64u; k += 1u) {
                    sum += partials[k * 32u + (t & 31u)];
                }
                total += sum;
            }
        }
    }
    if owns {
        gradients[slot] = total;
    }
}

fn value_at(first: u32, y: i32, column: i32) -> f32 {
    let inside = y >= 0 && column >= 0 && y < i32(params.h) && column < i32(params.w);
    let loaded = operand2_at(select(0u, first + u32(y) * params.w + u32(column), inside));
    return select(0.0f, loaded, inside);
}
