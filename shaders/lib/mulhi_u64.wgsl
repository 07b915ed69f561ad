// High word of a 32 x 32 bit product by one wide multiplication: for adapters with native 64-bit integers.
fn mulhi(a: u32, b: u32) -> u32 {
    return u32((u64(a) * u64(b)) >> 32u);
}
