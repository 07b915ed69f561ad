// Gradients of multi-head attention.
// Over single f32: see lib/attention_grad.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar2.wgsl
#import lib/scalar3.wgsl
#import lib/scalar4.wgsl
#import lib/attention_grad.wgsl
