// Sums over a lane's rows in parts (src/kernels/parts.rs). Rows are counted in units; a block of samples has `block` of them and begins a
// part. A launch either sums one part in a workgroup, from 0 into room of its own, or all of a lane (cut.parts = 0), part after part.
//
// A kernel that imports this declares the array `lanes`.
#import lib/lane.wgsl

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
