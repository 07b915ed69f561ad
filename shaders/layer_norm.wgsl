// Layer norm.
// Over quads: see lib/layer_norm.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/weight_quad_of.wgsl
#import lib/layer_norm.wgsl
