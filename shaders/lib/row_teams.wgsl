// Sums down columns, rows dealt to ROW_TEAMS teams of a workgroup's 64 threads: team i takes rows i, i + ROW_TEAMS, ... of a part, and
// their sums are added in the order of the teams. Few columns of many rows thus make more workgroups.
//
// A kernel that imports this defines the type TeamValue of what is summed.
const ROW_TEAMS: u32 = 1u;
const TEAM_COLUMNS: u32 = 64u / ROW_TEAMS;

var<workgroup> team_values: array<TeamValue, 64>;

// The sum of the teams' values of a column, for all threads of it; called by the whole workgroup.
fn over_teams(t: u32, value: TeamValue) -> TeamValue {
    if ROW_TEAMS == 1u {
        return value;
    }
    // The last call's values may still be being read.
    workgroupBarrier();
    team_values[t] = value;
    workgroupBarrier();
    var sum = team_values[t % TEAM_COLUMNS];
    for (var team = 1u; team < ROW_TEAMS; team += 1u) {
        sum += team_values[team * TEAM_COLUMNS + t % TEAM_COLUMNS];
    }
    return sum;
}
