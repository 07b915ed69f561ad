// The bias that the sums of a product by tiles begin with. A kernel that imports this declares the variables lane and lane_index, and
// defines tile_columns(), outputs of a row, and one_weight(i). What its weights lie in is its own lane's where OWN_WEIGHTS is 1.
#import lib/perturbed.wgsl

const OWN_WEIGHTS: u32 = 0u;

fn column_quad(n: u32) -> vec4<f32> {
    var bias = vec4<f32>();
    if (params.bias_offset != 0xffffffffu) {
        for (var e = 0u; e < 4u; e++) {
            let i = params.bias_offset + min(n + e, tile_columns() - 1u);
            bias[e] = perturb_one(one_weight(lane.weight_base + i), i);
        }
    }
    return bias;
}
