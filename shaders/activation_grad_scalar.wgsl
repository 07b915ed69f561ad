// Gradients of relu, gelu, tanh.
// Over single f32: see lib/activation_grad.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar1.wgsl
#import lib/scalar2.wgsl
#import lib/activation_grad.wgsl
