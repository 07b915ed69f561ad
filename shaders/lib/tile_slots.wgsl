// The tile of a register-blocked matrix product: sum_k A[o][k] * B[q][k].
//
// A workgroup has TEAMS teams of MEMBERS threads. A thread keeps TILE_Q columns q of its team's TILE_O * SHARE rows o. Four k at a time it
// loads its columns and, of each f < TILE_O, one row (j = member % SHARE); with SHARE > 1 a shuffle brings row j to the whole team, which
// is a subgroup then. Loads decide the speed: per k a thread loads TILE_Q + TILE_O floats for TILE_Q * TILE_O * SHARE products.
// Which row and column of the matrices slot (f, j) and p stand for is the kernel's choice.
#import lib/share.wgsl

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
