// Four sums over the 64 threads of a workgroup by the tree of lib/tree.wgsl: four rows for the barriers of one.
var<workgroup> tree4_values: array<vec4<f32>, 64>;
var<workgroup> tree4_sums: array<vec4<f32>, 8>;

fn tree_sum4(t: u32, value: vec4<f32>) -> vec4<f32> {
    tree4_values[t] = value;
    workgroupBarrier();
    if t < 8u {
        var sum = tree4_values[t];
        for (var k = t + 8u; k < 64u; k += 8u) {
            sum += tree4_values[k];
        }
        tree4_sums[t] = sum;
    }
    workgroupBarrier();
    var whole = tree4_sums[0];
    for (var k = 1u; k < 8u; k += 1u) {
        whole += tree4_sums[k];
    }
    return whole;
}
