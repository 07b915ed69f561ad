// Gradients of multi-head attention.
// Over quads: see lib/attention_grad.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/quad3.wgsl
#import lib/quad4.wgsl
#import lib/attention_grad.wgsl
