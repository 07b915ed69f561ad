// dx of layer norm: with u = dy * scale and h = (x - mean) * rstd, dx = rstd * (u - mean(u) - h * mean(u h)) along each row.
// A thread owns columns, a workgroup takes several rows at a time (lib/layers.wgsl:layer_norm); u and h stay in registers.
// Launch: x = rows of the largest lane / ROWS, z = lanes. Traffic: reads x and dy, writes dx, once each.
#import lib/values.wgsl:value
#import lib/layers.wgsl:layer_norm

@group(0) @binding(2) var<storage, read> weights: array<f32>;
#operand @binding(3) x: Value
#operand @binding(4) dy: Value
@group(0) @binding(5) var<storage, read> stats: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> dx: array<Value>;

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
    for (var k = 0u; k < OWN; k += 1u) {
        let at = lane.weight_base + params.scale_offset + min(k * 64u + t, COLUMNS - 1u) * WIDTH;
        var four: vec4<f32>;
        for (var e = 0u; e < WIDTH; e += 1u) {
            four[e] = weights[at + e];
        }
        scale[k] = of_quad(four);
    }
    for (var block = group.x * ROWS; block < lane.rows; block += groups.x * ROWS) {
        let end = min(block + ROWS, lane.rows);
        for (var r = block; r < end; r += ROWS_AT_ONCE) {
            // A row beyond the last repeats it and isn't stored.
            var u: Block;
            var h: Block;
            var rstds: vec4<f32>;
            var sums: vec4<f32>;
            var products: vec4<f32>;
            for (var j = 0u; j < ROWS_AT_ONCE; j += 1u) {
                let row = lane.row0 + min(r + j, end - 1u);
                let stat = stats[row];
                rstds[j] = stat.y;
                var sum = Value();
                var product = Value();
                for (var k = 0u; k < OWN; k += 1u) {
                    let column = k * 64u + t;
                    let at = row * COLUMNS + min(column, COLUMNS - 1u);
                    u[j][k] = dy_at(at) * scale[k];
                    h[j][k] = (x_at(at) - stat.x) * stat.y;
                    if column < COLUMNS {
                        sum += u[j][k];
                        product += u[j][k] * h[j][k];
                    }
                }
                sums[j] = total(sum);
                products[j] = total(product);
            }
            let mean_u = tree_sum4(t, sums) / values;
            let mean_uh = tree_sum4(t, products) / values;
            for (var j = 0u; j < ROWS_AT_ONCE; j += 1u) {
                if r + j < end {
                    for (var k = 0u; k < OWN; k += 1u) {
                        let column = k * 64u + t;
                        if column < COLUMNS {
                            dx[(lane.row0 + r + j) * COLUMNS + column] = rstds[j] * (u[j][k] - mean_u[j] - h[j][k] * mean_uh[j]);
                        }
                    }
                }
            }
        }
    }
}
