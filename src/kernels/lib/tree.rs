//! The sum over the threads of a workgroup that twins share: the tree of `shaders/lib/lanes.wgsl:tree`.

/// Sum over the 64 threads of a workgroup, each of which adds the items t, t + 64, ... of `count`.
pub fn tree_sum(count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut sums = thread_sums(count, value);
    let mut step = 32;
    while step > 0 {
        for t in 0..step {
            sums[t] += sums[t + step];
        }
        step /= 2;
    }
    sums[0]
}

/// What each of 64 threads adds up.
pub fn thread_sums(count: usize, value: impl Fn(usize) -> f32) -> [f32; 64] {
    let mut sums = [0.0f32; 64];
    for i in 0..count {
        sums[i % 64] += value(i);
    }
    sums
}

/// Sum of `count` items dealt to `teams` teams, i to team i modulo `teams`, and the teams' sums in order:
/// `shaders/lib/lanes.wgsl:row_teams`.
pub fn team_sum(teams: usize, count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let of_team = |team: usize| (team..count).step_by(teams).fold(0.0, |sum, i| sum + value(i));
    (1..teams).map(of_team).fold(of_team(0), |total, sum| total + sum)
}
