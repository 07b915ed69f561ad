// relu, gelu, tanh.
// Over quads: see lib/activation.wgsl.
#import lib/value_quad.wgsl
#import lib/quad1.wgsl
#import lib/activation.wgsl
