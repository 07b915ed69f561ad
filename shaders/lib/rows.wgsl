// What the kernels of layer norm share: rows of DIM f32, of which a thread owns the Values t, t + 64, ... A workgroup takes
// ROWS_AT_ONCE rows at a time, so that one tree of barriers serves them all, and a block of rows in all.
#import lib/lane.wgsl

struct Params {
    dim: u32,
    scale_offset: u32,
    bias_offset: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

// Values of a row, params.dim / WIDTH.
const COLUMNS: u32 = 1u;
// Values that a thread owns.
const OWN: u32 = (COLUMNS + 63u) / 64u;
const ROWS_AT_ONCE: u32 = 4u;
// Rows of a workgroup.
const ROWS: u32 = 32u;

const EPS: f32 = 1.0e-5f;

// A thread's Values of the rows at hand.
alias Block = array<array<Value, OWN>, ROWS_AT_ONCE>;

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
