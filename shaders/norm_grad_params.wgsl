// Gradients of a norm's scale and bias.
// Over quads: see lib/norm_grad_params.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/quad3.wgsl
#import lib/norm_grad_params.wgsl
