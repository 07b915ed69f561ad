// Layer norm.
// Over single f32: see lib/layer_norm.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar3.wgsl
#import lib/weight_scalar_of.wgsl
#import lib/layer_norm.wgsl
