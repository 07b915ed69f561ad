// Sum over the 64 threads of a workgroup by a fixed tree. All of them call it, in uniform control flow, and all get the sum.
var<workgroup> tree_values: array<vec2<f32>, 64>;

fn tree_sum(t: u32, value: vec2<f32>) -> vec2<f32> {
    // The last call's result may still be being read.
    workgroupBarrier();
    tree_values[t] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step >>= 1u) {
        if t < step {
            tree_values[t] += tree_values[t + step];
        }
        workgroupBarrier();
    }
    return tree_values[0];
}
