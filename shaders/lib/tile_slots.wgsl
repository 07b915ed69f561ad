// The tile of a register-blocked matrix product: sum_k A[o][k] * B[q][k].
//
// A workgroup has TEAMS teams of MEMBERS threads. A thread keeps TILE_Q columns q of its team's TILE_O * SHARE rows o. Four k at a time it
// loads its columns and, of each f < TILE_O, one row (j = member % SHARE); with SHARE > 1 a shuffle brings row j to the whole team, which
// is a subgroup then. Loads decide the speed: per k a thread loads TILE_Q + TILE_O floats for TILE_Q * TILE_O * SHARE products.
// Which row and column of the matrices slot (f, j) and p stand for is the kernel's choice.

const MEMBERS: u32 = 8u;
const TEAMS: u32 = 8u;
const SHARE: u32 = 1u;
const TILE_O: u32 = 8u;
const TILE_Q: u32 = 8u;
const THREADS: u32 = MEMBERS * TEAMS;
const TEAM_ROWS: u32 = TILE_O * SHARE;
const TILE_ROWS: u32 = TEAMS * TEAM_ROWS;
const TILE_COLUMNS: u32 = MEMBERS * TILE_Q;

// A thread's sums: [f][j][p].
alias Tile = array<array<array<f32, TILE_Q>, SHARE>, TILE_O>;

// Thread j of a team hands its quad to all of them: SHARE is the size of the subgroup that the team is. In the core tier a thread shares
// nothing; it computes with the rows that it loaded itself (SHARE 1).
#ifdef SUBGROUP
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return subgroupShuffle(own, j);
}
fn shared_one(own: f32, j: u32) -> f32 {
    return subgroupShuffle(own, j);
}
#else
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return own;
}
fn shared_one(own: f32, j: u32) -> f32 {
    return own;
}
#endif
