// The invocation's number in its subgroup. All must be active. Some drivers count in a loop over the subgroup: once a kernel.
fn subgroup_place() -> u32 {
    return subgroupExclusiveAdd(1u);
}
