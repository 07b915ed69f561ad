// Subgroup tier: sums over the threads of a team, which is a subgroup, for each of its rows, by a butterfly of shuffles; all threads get
// them.
fn team_sums(values: ptr<function, array<f32, TEAM_ROWS>>, thread: u32) {
    for (var r = 0u; r < TEAM_ROWS; r++) {
        var sum = (*values)[r];
        for (var step = LANES / 2u; step > 0u; step >>= 1u) { sum += subgroupShuffle(sum, (thread % LANES) ^ step); }
        (*values)[r] = sum;
    }
}
