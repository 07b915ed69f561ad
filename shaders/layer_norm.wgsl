// y = (x - mean) * rstd * scale + bias along rows (tokens), population variance, eps 1e-5, two passes; (mean, rstd) of each row are
// kept for the backward pass. Scale and bias of a thread's columns are perturbed once for all rows of a workgroup
// (lib/layers.wgsl:layer_norm); x stays in registers. Launch: x = rows of the largest lane / ROWS, z = lanes. Traffic: reads x, writes y,
// once each.
#import lib/values.wgsl:value
#import lib/weights.wgsl:weight_value
#import lib/layers.wgsl:layer_norm

@group(0) @binding(2) var<storage, read> weights: array<f32>;
#operand @binding(3) x: Value
@group(0) @binding(4) var<storage, read_write> y: array<Value>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let lane = lanes[group.z];
    let values = f32(COLUMNS * WIDTH);
    if group.x * ROWS >= lane.rows {
        return;
    }
    var scale: array<Value, OWN>;
    var bias: array<Value, OWN>;
    for (var k = 0u; k < OWN; k += 1u) {
        let column = min(k * 64u + t, COLUMNS - 1u) * WIDTH;
        scale[k] = weight_value(lane, params.scale_offset + column);
        bias[k] = weight_value(lane, params.bias_offset + column);
    }
    for (var block = group.x * ROWS; block < lane.rows; block += groups.x * ROWS) {
        let end = min(block + ROWS, lane.rows);
        for (var r = block; r < end; r += ROWS_AT_ONCE) {
            // A row beyond the last repeats it and isn't stored.
            var x: Block;
            var sums: vec4<f32>;
            for (var j = 0u; j < ROWS_AT_ONCE; j += 1u) {
                let first = (lane.row0 + min(r + j, end - 1u)) * COLUMNS;
                var sum = Value();
                for (var k = 0u; k < OWN; k += 1u) {
                    let column = k * 64u + t;
                    x[j][k] = x_at(first + min(column, COLUMNS - 1u));
                    if column < COLUMNS {
                        sum += x[j][k];
                    }
                }
                sums[j] = total(sum);
            }
            let means = tree_sum4(t, sums) / values;
            for (var j = 0u; j < ROWS_AT_ONCE; j += 1u) {
                var sum = Value();
                for (var k = 0u; k < OWN; k += 1u) {
                    let d = x[j][k] - means[j];
                    if k * 64u + t < COLUMNS {
                        sum += d * d;
                    }
                }
                sums[j] = total(sum);
            }
            let rstds = 1.0f / sqrt(tree_sum4(t, sums) / values + EPS);
            for (var j = 0u; j < ROWS_AT_ONCE; j += 1u) {
                let row = lane.row0 + r + j;
                if r + j < end {
                    for (var k = 0u; k < OWN; k += 1u) {
                        let column = k * 64u + t;
                        if column < COLUMNS {
                            y[row * COLUMNS + column] = (x[j][k] - means[j]) * rstds[j] * scale[k] + bias[k];
                        }
                    }
                    if t == 0u {
                        stats[row] = vec2<f32>(means[j], rstds[j]);
                    }
                }
            }
        }
    }
}
