// Mean and squared deviations of parts of channels over a lane.
// Over single f32: see lib/batch_norm_stats.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar2.wgsl
#import lib/batch_norm_stats.wgsl
