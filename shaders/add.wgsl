// A sum in place.
// Over quads: see lib/add.wgsl.
#import lib/value_quad.wgsl
#import lib/quad1.wgsl
#import lib/add.wgsl
