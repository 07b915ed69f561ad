//! How matrix products are blocked: the constants of `shaders/lib/shuffle.wgsl:tile` for a device and a problem.

use super::halves::Halves;
use super::params::perturb;
use super::way::Way;
use crate::caps::{AdapterInfo, Tier};
use crate::recording::Span;
use crate::recording::kernel::Variant;
use crate::stream::Distribution;

/// How a product of weights and activations is computed.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// The device's blocking.
    pub tiling: Tiling,
    /// What perturbs the weights on load.
    pub perturbed: Option<Distribution>,
    /// The way.
    pub way: Way,
    /// Which activations are f16 in memory: of ways with tiles in workgroup memory only.
    pub halves: Halves,
}

impl Product {
    /// By shuffles, of activations in f32.
    pub const fn by_shuffles(tiling: Tiling, perturbed: Option<Distribution>) -> Self {
        Self { tiling, perturbed, way: Way::Shuffle, halves: Halves { x: false, residual: false, y: false } }
    }

    /// Whether matrices take activations and weights that are f16 in memory as they lie.
    pub fn moves_halves(&self) -> bool {
        self.halves.x && matches!(self.way, Way::Matrix(_))
    }

    /// The constants, of which `tiling` may be fitted to a problem, for rows of `length` weights.
    pub fn variant(&self, tiling: Tiling, length: u32) -> Variant {
        tiling
            .variant()
            .with("PERTURB", perturb(self.perturbed))
            .with("SHORT", u32::from(self.shares_signs(tiling, length)))
    }

    /// Whether subgroups share the signs of rows of `length` weights (`shaders/lib/weights.wgsl:signs`): `share` rows lie in at most
    /// `share - 2` blocks of 128 wherever the first of them starts.
    pub fn shares_signs(&self, tiling: Tiling, length: u32) -> bool {
        let share = u64::from(tiling.share);
        let most = share.saturating_sub(2) * 128;
        self.perturbed == Some(Distribution::Rademacher) && share * u64::from(length) + 127 <= most
    }
}

/// How a gradient of a product is computed.
#[derive(Clone, Copy, Debug)]
pub struct Gradient {
    /// The device's blocking.
    pub tiling: Tiling,
    /// The way.
    pub way: Way,
}

impl Gradient {
    /// By shuffles.
    pub const fn by_shuffles(tiling: Tiling) -> Self {
        Self { tiling, way: Way::Shuffle }
    }
}

/// 1 where rows of so many f32, or from such an index on, are whole quads.
pub fn quads(multiples: u32) -> u32 {
    u32::from(multiples.is_multiple_of(4))
}

/// What a product reads and writes: f32 each.
#[derive(Clone, Copy, Debug)]
pub struct Operands {
    /// Weight vectors: one shared, or a slot a lane.
    pub weights: Span,
    /// Input rows.
    pub x: Span,
    /// Output rows.
    pub y: Span,
    /// Room for weights and signs in the order of tiles ([`super::tile_order`]); not touched by shuffles.
    pub room: Span,
}

impl Operands {
    /// For products by shuffles.
    pub fn by_shuffles(weights: Span, x: Span, y: Span) -> Self {
        Self { weights, x, y, room: y }
    }
}

/// A device's blocking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Threads that hold neighbouring columns; the subgroup size where rows are shared by shuffles.
    pub members: u32,
    /// Teams of such threads in a workgroup.
    pub teams: u32,
    /// Rows that a team shares by shuffles: `members`, or 1.
    pub share: u32,
    /// Rows (times `share`) a thread keeps.
    pub tile_o: u32,
    /// Columns a thread keeps.
    pub tile_q: u32,
    /// Convolutions go by strips of pixels where they can (`super::strips`): on software adapters.
    pub strips: bool,
}

impl Tiling {
    /// The core tier's: 8 x 8 outputs a thread, 64 x 64 a workgroup.
    pub const CORE: Self = Self { members: 8, teams: 8, share: 1, tile_o: 8, tile_q: 8, strips: false };

    /// The blocking for an adapter.
    ///
    /// In the subgroup tier a thread keeps `tile_o * subgroup size * tile_q` sums: 128 where the subgroup is small (software adapters
    /// keep them in the first-level cache), 64 where it is a GPU's 32 or 64.
    pub fn of(info: &AdapterInfo) -> Self {
        let strips = info.kind.is_software();
        match (info.tier, info.subgroup_size) {
            (Tier::Subgroup, size @ 4..=16) => {
                Self { members: size, teams: 1, share: size, tile_o: 32 / size, tile_q: 4, strips }
            }
            (Tier::Subgroup, size @ 32..) => {
                Self { members: size, teams: 1, share: size, tile_o: 1, tile_q: 2, strips }
            }
            _ => Self { strips, ..Self::CORE },
        }
    }

    /// The same for convolutions that don't go by strips.
    pub fn without_strips(self) -> Self {
        Self { strips: false, ..self }
    }

    /// Less rows a thread where a problem has only `rows`.
    pub fn for_rows(mut self, rows: u32) -> Self {
        self.tile_o = self.tile_o.min(rows.div_ceil(self.share * self.teams)).max(1);
        self
    }

    /// For products whose columns are neighbours and loaded in quads: four or eight columns a thread, as many sums as otherwise.
    pub fn in_quads(mut self) -> Self {
        if self.share > 16 {
            (self.share, self.tile_o, self.tile_q) = (16, 1, 4);
        }
        self
    }

    /// For products that keep two sums an output, that of a block and the total: half of the outputs where registers are few.
    pub fn two_sums(mut self) -> Self {
        if self.share > 16 {
            (self.share, self.tile_o, self.tile_q) = (16, 1, 2);
        } else if self.share == 1 {
            self.tile_o = 4;
        }
        self
    }

    /// For products that keep one sum an output and read single f32: as [`Self::in_quads`].
    pub fn one_sum(self) -> Self {
        self.in_quads()
    }

    /// Workgroups that keep an adapter busy. A long sum is split into parts until there are as many (`super::parts`): few for software
    /// adapters, whose memory is slow, and more where a workgroup is a single subgroup of a GPU.
    pub fn workgroups(&self) -> u32 {
        match self.share {
            1 => 1024,
            2..=16 => 512,
            _ => 2048,
        }
    }

    /// Terms of a part of such a sum, at least: a software adapter's workgroup costs more to start, and its second pass more beside the first.
    pub fn part_terms(&self) -> u32 {
        if (2..=16).contains(&self.share) { 1024 } else { 256 }
    }

    /// One team a workgroup, for kernels that keep a whole product's rows in a thread one tile after another: 16 rows a tile, and as many
    /// columns a thread as leave the fewest idle for `columns` of each of `lanes`; of those the fewest where workgroups don't keep a GPU
    /// busy.
    pub fn one_team(mut self, columns: u32, lanes: u32) -> Self {
        if self.share == 1 {
            // A software adapter's workgroup is one vector: more columns at once only press its registers.
            self.members = if self.strips { Self::CORE.members } else { 64 };
        }
        self.teams = 1;
        self.tile_o = (16 / self.share).max(1);
        let idle = |q: &u32| columns.next_multiple_of(self.members * q) - columns;
        let few = self.share > 16 && columns.div_ceil(self.members).saturating_mul(lanes) < self.workgroups();
        let tried = if few { [1, 2, 3, 4] } else { [4, 3, 2, 1] };
        self.tile_q = tried.into_iter().min_by_key(idle).unwrap_or(1);
        self
    }

    /// Threads of a workgroup of kernels whose threads take a row each: on a software adapter one vector, since threads beyond a lane's last
    /// row go all the way there for nothing.
    pub fn row_threads(&self) -> u32 {
        if self.strips { Self::CORE.members } else { 64 }
    }

    /// Rows of a workgroup's tile.
    pub fn tile_rows(&self) -> u32 {
        self.teams * self.tile_o * self.share
    }

    /// Columns of a workgroup's tile.
    pub fn tile_columns(&self) -> u32 {
        self.members * self.tile_q
    }

    /// The constants.
    pub fn variant(&self) -> Variant {
        Variant::plain()
            .in_way(if self.share > 1 { "shuffle" } else { "" })
            .with("MEMBERS", self.members)
            .with("TEAMS", self.teams)
            .with("SHARE", self.share)
            .with("TILE_O", self.tile_o)
            .with("TILE_Q", self.tile_q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of 128 that `share` rows of `length` touch, at worst.
    fn blocks(share: u32, length: u32) -> u32 {
        (0..128).map(|start| (start + share * length - 1) / 128 + 1).max().unwrap_or(0)
    }

    #[test]
    fn shared_signs_leave_two_invocations_for_the_biases() {
        for share in [4, 8, 16, 32, 64] {
            let tiling = Tiling { members: share, teams: 1, share, tile_o: 1, tile_q: 2, strips: false };
            let how = Product::by_shuffles(tiling, Some(Distribution::Rademacher));
            for length in 1..=200 {
                assert_eq!(how.shares_signs(tiling, length), blocks(share, length) <= share - 2, "{share} {length}");
            }
            assert!(!Product { perturbed: Some(Distribution::Gaussian), ..how }.shares_signs(tiling, 1));
        }
        let core = Product::by_shuffles(Tiling::CORE, Some(Distribution::Rademacher));
        assert!(!core.shares_signs(Tiling::CORE, 1));
    }
}
