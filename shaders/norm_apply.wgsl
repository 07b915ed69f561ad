// y = act(x * a + b [+ residual]) with (a, b) of the (row, channel) (BY_ROW 1) or the (lane, channel) (BY_ROW 0): the elementwise
// half of every norm, with what follows it in a residual block. act is relu where params.relu is 1. RESIDUAL 0: binding 3 is unused.
// IN_HALVES, RESIDUAL_HALVES, OUT_HALVES: x, the residual, y are f16, for QUADS alone.
// A thread makes PER_THREAD Values (lib/images.wgsl:per_thread). Launch: x = items of the largest lane / 64 (at most 65,535, then strided),
// z = lanes. Traffic: reads x [and the residual], writes y, once each; a and b once a thread.
#import lib/values.wgsl:value
#import lib/norms.wgsl:params
#import lib/images.wgsl:per_thread
#import lib/values.wgsl:halves

override BY_ROW: u32 = 1u;
override RESIDUAL: u32 = 0u;

#ifdef IN_HALVES
#operand @binding(2) x: Halves
#else
#operand @binding(2) x: Value
#endif
#ifdef RESIDUAL_HALVES
#operand @binding(3) residual: Halves
#else
#operand @binding(3) residual: Value
#endif
@group(0) @binding(4) var<storage, read> coefficients: array<vec2<f32>>;
#ifdef OUT_HALVES
@group(0) @binding(5) var<storage, read_write> y: array<vec2<u32>>;
#else
@group(0) @binding(5) var<storage, read_write> y: array<Value>;
#endif

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    load_shape(WIDTH);
    let lane = lanes[group.z];
    let items = items_of(lane.rows);
    for (var i = group.x * 64u + t; i < items; i += groups.x * 64u) {
        let item = item_of(lane.row0, i);
        let c = select(group.z * CHANNELS + item.channel, item.plane, BY_ROW == 1u);
        let ab = coefficients[c];
        var factor = Value(ab.x);
        var addend = Value(ab.y);
#ifdef QUADS
        if CHANNELS_LAST == 1u {
            let others = array(coefficients[c + 1u], coefficients[c + 2u], coefficients[c + 3u]);
            factor = of_channels(ab.x, others[0].x, others[1].x, others[2].x);
            addend = of_channels(ab.y, others[0].y, others[1].y, others[2].y);
        }
#endif
        for (var k = 0u; k < PER_THREAD; k += 1u) {
            let at = item.first + k * item.step;
            var v = x_at(at) * factor + addend;
            if RESIDUAL == 1u {
                v += residual_at(at);
            }
            if params.relu == 1u {
                // NaN fails the comparison and comes through.
                v = select(v, Value(), v < Value());
            }
#ifdef OUT_HALVES
            y[at] = halves_of(v);
#else
            y[at] = v;
#endif
        }
    }
}
