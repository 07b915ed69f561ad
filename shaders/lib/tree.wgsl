// Sum over the 64 threads of a workgroup by a fixed tree: thread t < 8 adds those of threads t, t + 8, ..., then all add the eight sums in
// order. All threads call it, in uniform control flow, and all get the sum. Few barriers: software adapters pay dearly for each.
var<workgroup> tree_values: array<vec2<f32>, 64>;
var<workgroup> tree_sums: array<vec2<f32>, 8>;

fn tree_sum(t: u32, value: vec2<f32>) -> vec2<f32> {
    tree_values[t] = value;
    workgroupBarrier();
    if t < 8u {
        var sum = tree_values[t];
        for (var k = t + 8u; k < 64u; k += 8u) {
            sum += tree_values[k];
        }
        tree_sums[t] = sum;
    }
    workgroupBarrier();
    var whole = tree_sums[0];
    for (var k = 1u; k < 8u; k += 1u) {
        whole += tree_sums[k];
    }
    return whole;
}
