// dx of layer norm.
// Over single f32: see lib/layer_norm_grad.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar3.wgsl
#import lib/scalar4.wgsl
#import lib/layer_norm_grad.wgsl
