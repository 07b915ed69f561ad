// relu, gelu, tanh.
// Over single f32: see lib/activation.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar1.wgsl
#import lib/activation.wgsl
