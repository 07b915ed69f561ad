// A sum in place.
// Over single f32: see lib/add.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar1.wgsl
#import lib/add.wgsl
