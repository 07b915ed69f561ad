// Mean and deviation of channels over a lane, and what norm_apply makes of them with scale and bias.
// Over quads: see lib/batch_norm_stats.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/batch_norm_stats.wgsl
