// How a launch's work is dealt out and its sums are brought together: lanes, the item of a thread, parts of long sums, row teams, the tree
// over a workgroup.

#section lane
// One evaluation of a chunk: client x probe x sign, or a client with weights of its own (src/kernels/lib/params.rs).
struct Lane {
    // f32 index of the lane's own weights, 0 where all lanes share one copy.
    weight_base: u32,
    seed_lo: u32,
    seed_hi: u32,
    // Factor of the stream's element: +-eps * tau * scale.
    coef: f32,
    // First row in the input batch, shared by probes and signs.
    x_row: u32,
    // First row in the chunk's activation buffers.
    row0: u32,
    rows: u32,
    // First row in per-sample results.
    out_row: u32,
}

#section fold
// One-dimensional launches folded over x and y, so that no dimension passes 65,535 workgroups.
const WG: u32 = 64u;

// The number of this work item; those beyond the launch's count have nothing to do.
fn item_index(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return (group.y * groups.x + group.x) * WG + local;
}

#section items
// The entry of kernels whose threads take an item each: `items()` says how many there are, `take(item, lane)` does one, lane being the
// launch's z.
#import lib/lanes.wgsl:fold

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    if item < items() {
        take(item, group.z);
    }
}

#section subgroup_place
// The invocation's number in its subgroup. All must be active. Some drivers count in a loop over the subgroup: once a kernel.
fn subgroup_place() -> u32 {
    return subgroupExclusiveAdd(1u);
}

#section sample_block
// Sums over samples go over fixed blocks of so many samples in order, each block summed by itself from 0. A cut between two
// blocks (the later recording goes on with accumulate = 1) thus changes no bit.
const SAMPLE_BLOCK: u32 = 8u;

#section parts
// Sums over a lane's rows in parts (src/kernels/lib/parts.rs). Rows are counted in units; a block of samples has `block` of them and begins
// a part. A launch either sums one part in a workgroup, from 0 into room of its own, or all of a lane (cut.parts = 0), part after part.
//
// A kernel that imports this declares the array `lanes`.
#import lib/lanes.wgsl:lane

struct Cut {
    first_lane: u32,
    first_part: u32,
    parts: u32,
    row: u32,
    block: u32,
    part: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
    also_unused: u32,
}

// What the workgroups of layer z of a launch do: parts first to end of a lane, whose sums' elements begin at `base`.
struct Work {
    lane: u32,
    first: u32,
    end: u32,
    base: u32,
}

// Parts of a lane of so many rows.
fn parts_of(cut: Cut, rows: u32) -> u32 {
    let units = rows * cut.row;
    return units / cut.block * ((cut.block + cut.part - 1u) / cut.part) + (units % cut.block + cut.part - 1u) / cut.part;
}

// `size` elements a part. A lane that has no such part has nothing to do.
fn work_of(cut: Cut, z: u32, size: u32) -> Work {
    if cut.parts == 0u {
        return Work(z, 0u, parts_of(cut, lanes[z].rows), lanes[z].weight_base);
    }
    let lane = cut.first_lane + z / cut.parts;
    let part = cut.first_part + z % cut.parts;
    return Work(lane, part, min(part + 1u, parts_of(cut, lanes[lane].rows)), z * size);
}

// First unit of a part of a lane of so many rows, and the one behind its last.
fn part_units(cut: Cut, rows: u32, part: u32) -> vec2<u32> {
    let of_block = (cut.block + cut.part - 1u) / cut.part;
    let block = part / of_block * cut.block;
    let first = block + part % of_block * cut.part;
    return vec2<u32>(first, min(min(first + cut.part, block + cut.block), rows * cut.row));
}

#section weight_sum
// What the kernels of weights' gradients share: where a sum goes, and what it goes on from. They have a `sum` in their Params
// and what is summed into at binding 4.
#import lib/lanes.wgsl:parts
#import lib/values.wgsl:gradient

struct WeightSum {
    // Of the weight in what is summed into.
    offset: u32,
    // 1: X is the batch of input samples (rows from x_row on), 0: an activation (rows from row0 on).
    from_batch: u32,
    // 1: the sum goes on from what is there.
    accumulate: u32,
    // A uniform block's struct ends on a multiple of 16 bytes.
    unused: u32,
}
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;

#section tree
// Sum over the 64 threads of a workgroup by a fixed tree. All of them call it, in uniform control flow, and all get the sum.
var<workgroup> tree_values: array<vec2<f32>, 64>;

fn tree_sum(t: u32, value: vec2<f32>) -> vec2<f32> {
    // The last call's result may still be being read.
    workgroupBarrier();
    tree_values[t] = value;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step >>= 1u) {
        if t < step {
            tree_values[t] += tree_values[t + step];
        }
        workgroupBarrier();
    }
    return tree_values[0];
}

#section row_teams
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
