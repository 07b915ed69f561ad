// Sums over the MEMBERS threads of a team, for each of its rows; all threads of the team get them. All threads of a workgroup call it, in
// uniform control flow.
#ifdef SUBGROUP
// The team is a subgroup: by a butterfly of shuffles.
fn team_sums(values: ptr<function, array<f32, TEAM_ROWS>>, thread: u32) {
    for (var r = 0u; r < TEAM_ROWS; r++) {
        var sum = (*values)[r];
        for (var step = MEMBERS / 2u; step > 0u; step >>= 1u) { sum += subgroupShuffle(sum, (thread % MEMBERS) ^ step); }
        (*values)[r] = sum;
    }
}
#else
// Through workgroup memory, each sum over the threads in ascending order.
var<workgroup> team_values: array<f32, TILE_ROWS * MEMBERS>;

fn team_sums(values: ptr<function, array<f32, TEAM_ROWS>>, thread: u32) {
    let first = thread / MEMBERS * TEAM_ROWS * MEMBERS;
    let own = thread % MEMBERS;
    // The last call's results may still be being read.
    workgroupBarrier();
    for (var r = 0u; r < TEAM_ROWS; r++) { team_values[first + r * MEMBERS + own] = (*values)[r]; }
    workgroupBarrier();
    for (var r = own; r < TEAM_ROWS; r += MEMBERS) {
        var sum = 0.0f;
        for (var l = 0u; l < MEMBERS; l++) { sum += team_values[first + r * MEMBERS + l]; }
        team_values[first + r * MEMBERS] = sum;
    }
    workgroupBarrier();
    for (var r = 0u; r < TEAM_ROWS; r++) { (*values)[r] = team_values[first + r * MEMBERS]; }
}
#endif
