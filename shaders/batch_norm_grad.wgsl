// dx of batch norm.
// Over quads: see lib/batch_norm_grad.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/quad4.wgsl
#import lib/batch_norm_grad.wgsl
