// dx of layer norm.
// Over quads: see lib/layer_norm_grad.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/quad4.wgsl
#import lib/layer_norm_grad.wgsl
