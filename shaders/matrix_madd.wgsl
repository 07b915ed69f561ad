// c = a * b + c of matrices of f16 with sums in f32, in 8 independent chains a subgroup, 4 steps an iteration: the ceiling of cooperative
// matrices of the bench. a is one of 2 matrices, b one of 4, each of one value: (i + 1) params.a, (j + 1) params.b.
// Dispatch: x = groups of 4 subgroups of 32. Traffic: a thread stores
// one f32, the sum of an element of each chain, so that nothing is dropped.
// Without MATRIX plain code makes the same sums: slow, for devices without such matrices. EIGHTS: matrices of 8 x 8 (Metal).
#import lib/matrix_operands.wgsl:fragment
#ifdef MATRIX
#import lib/matrix_operands.wgsl:matrices
#endif

struct Params {
    a: f32,
    b: f32,
    iterations: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

#ifdef MATRIX
const SIZE: u32 = FRAGMENT * FRAGMENT;
var<workgroup> operands: array<f16, 6u * SIZE>;
var<workgroup> sums: array<f32, 4u * SIZE>;

@compute @workgroup_size(128)
fn main(
    @builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32,
    @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) member: u32,
) {
    for (var x = t; x < 6u * SIZE; x += 128u) {
        let matrix = x / SIZE;
        operands[x] = f16(select(params.b * f32(matrix) - params.b, params.a * f32(matrix + 1u), matrix < 2u));
    }
    workgroupBarrier();
    let step = FRAGMENT;
#for i in 2
    let from_a{i} = &operands[{i}u * SIZE];
    let a{i} = coopLoadT<MatrixA>(from_a{i}, step);
#end
#for j in 4
    let from_b{j} = &operands[{j}u * SIZE + 2u * SIZE];
    let b{j} = coopLoadT<MatrixB>(from_b{j}, step);
#end
#for i in 2
#for j in 4
    var c{i}_{j}: MatrixC;
#end
#end
    for (var k = 0u; k < params.iterations; k++) {
#for s in 4
#for i in 2
#for j in 4
        c{i}_{j} = coopMultiplyAdd(a{i}, b{j}, c{i}_{j});
#end
#end
#end
    }
    let first = subgroup * SIZE;
    var total = 0.0f;
#for i in 2
#for j in 4
    {
        let to = &sums[first];
        let held = c{i}_{j};
        coopStoreT(held, to, step);
        workgroupBarrier();
        total += sums[first + member];
        workgroupBarrier();
    }
#end
#end
    out[id.x * 128u + t] = total;
}
#else
@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    var total = 0.0f;
    for (var chain = 0u; chain < 8u; chain++) {
        let product = params.a * f32(chain / 4u + 1u) * (params.b * f32(chain % 4u + 1u));
        for (var k = 0u; k < 4u * FRAGMENT * params.iterations; k++) { total += product; }
    }
    out[id.x * 128u + t] = total;
}
#endif
