//! Sizes of launches and of bindings.

/// Workgroup counts for `items` work items at `per_group` a group, folded over x and y so that no dimension passes 65,535.
/// The shader gets its linear group index as `id.y * groups.x + id.x` and masks what lies beyond its count.
pub fn fold_grid(items: u64, per_group: u32) -> [u32; 3] {
    const MAX: u64 = 65_535;
    let groups = items.div_ceil(u64::from(per_group.max(1)));
    if groups <= MAX {
        return [groups as u32, 1, 1];
    }
    let y = groups.div_ceil(MAX);
    [groups.div_ceil(y) as u32, y as u32, 1]
}

/// Bytes of `count` f32 up to the end of their last vec4: what a kernel with vec4 bindings needs of a buffer.
pub fn vec4_bytes(count: u32) -> u64 {
    u64::from(count).next_multiple_of(4) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_item_within_the_limit() {
        for items in [0u64, 1, 63, 64, 65, 65_535 * 64, 65_535 * 64 + 1, 11_173_962 * 16, u64::from(u32::MAX)] {
            let [x, y, z] = fold_grid(items, 64);
            assert!(x <= 65_535 && y <= 65_535 && z == 1);
            assert!(u64::from(x) * u64::from(y) * 64 >= items);
        }
    }
}
