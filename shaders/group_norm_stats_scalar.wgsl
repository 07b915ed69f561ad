// Mean and deviation of groups of channels, and what norm_apply makes of them with scale and bias.
// Over single f32: see lib/group_norm_stats.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar3.wgsl
#import lib/group_norm_stats.wgsl
