// Gradients of layer norm's scale and bias.
// Over quads: see lib/layer_norm_grad_params.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/quad3.wgsl
#import lib/layer_norm_grad_params.wgsl
