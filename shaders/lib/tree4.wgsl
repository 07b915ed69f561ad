// Four sums over the 64 threads of a workgroup by the tree of lib/tree.wgsl: four rows for the barriers of one.
var<workgroup> tree4_values: array<vec4<f32>, 64>;

fn tree_sum4(t: u32, value: vec4<f32>) -> vec4<f32> {
    // The last call's result may still be being read.
    workgroupBarrier();
    tree4_values[t] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step >>= 1u) {
        if t < step {
            tree4_values[t] += tree4_values[t + step];
        }
        workgroupBarrier();
    }
    return tree4_values[0];
}
