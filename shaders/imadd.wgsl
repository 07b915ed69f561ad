// The integer ceiling of the bench: multiply-adds of u32, modulo 2^32. Traffic and launch: lib/math.wgsl:chains.
alias Number = u32;
#import lib/math.wgsl:chains
