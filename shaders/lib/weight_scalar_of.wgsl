// One perturbed weight as a Value (lib/value_scalar.wgsl).
#import lib/weight.wgsl

fn weight_value(lane: Lane, i: u32) -> f32 {
    return weight_at(lane, i);
}
