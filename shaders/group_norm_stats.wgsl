// Mean and deviation of groups of channels, and what norm_apply makes of them with scale and bias.
// Over quads: see lib/group_norm_stats.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/group_norm_stats.wgsl
