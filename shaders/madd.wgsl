// The arithmetic ceiling of the bench: multiply-adds of f32. Traffic and launch: lib/math.wgsl:chains.
alias Number = f32;
#import lib/math.wgsl:chains
