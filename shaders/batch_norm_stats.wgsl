// Mean and squared deviations of parts of channels over a lane.
// Over quads: see lib/batch_norm_stats.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/batch_norm_stats.wgsl
