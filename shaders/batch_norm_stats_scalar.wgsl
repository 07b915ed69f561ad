// Mean and deviation of channels over a lane, and what norm_apply makes of them with scale and bias.
// Over single f32: see lib/batch_norm_stats.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar3.wgsl
#import lib/batch_norm_stats.wgsl
