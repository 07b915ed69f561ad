// Gradients of layer norm's scale and bias.
// Over single f32: see lib/layer_norm_grad_params.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar2.wgsl
#import lib/scalar3.wgsl
#import lib/layer_norm_grad_params.wgsl
