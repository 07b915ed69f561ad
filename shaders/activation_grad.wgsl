// Gradients of relu, gelu, tanh.
// Over quads: see lib/activation_grad.wgsl.
#import lib/value_quad.wgsl
#import lib/quad1.wgsl
#import lib/quad2.wgsl
#import lib/activation_grad.wgsl
