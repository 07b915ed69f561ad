//! Tiles that cooperative matrices multiply: their sizes, what their operands are rounded to, how far off that makes a product.

use std::borrow::Cow;
use std::fmt;

use crate::caps::{AdapterInfo, Limits, MatrixSize};
use crate::recording::kernel::Variant;
use crate::stream::Distribution;

/// The define of kernels of tiled products that multiplies them by cooperative matrices of f16 (`shaders/lib/matrix.wgsl:tile`).
pub const MATRIX: &str = "MATRIX";
/// The define beside it that makes an operand the sum of two f16.
pub const SPLIT_F16: &str = "SPLIT_F16";
/// The define beside it that multiplies by plain code.
pub const EMULATED: &str = "EMULATED";
/// The define beside it for devices whose matrices are 8 x 8.
pub const EIGHTS: &str = "EIGHTS";

/// Threads of a subgroup.
const SUBGROUP: u32 = 32;

/// What multiplies the tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Multiply {
    /// Cooperative matrices of 16 x 16.
    Sixteens,
    /// Cooperative matrices of 8 x 8.
    Eights,
    /// Plain code, which any device runs: slow, for tests of what is around it.
    Emulated,
}

impl Multiply {
    /// What a device has; none without cooperative matrices.
    pub fn of(info: &AdapterInfo) -> Option<Self> {
        info.matrices.size.map(|size| match size {
            MatrixSize::Eights => Self::Eights,
            MatrixSize::Sixteens => Self::Sixteens,
            MatrixSize::Emulated => Self::Emulated,
        })
    }
}

/// Tiles in workgroup memory that cooperative matrices multiply: `shaders/lib/matrix.wgsl:tile` says what the sizes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Matrix {
    /// Rows of a workgroup's tile.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Terms of the sum at a time.
    pub depth: u32,
    /// Rows of a subgroup.
    pub group_rows: u32,
    /// Columns of a subgroup.
    pub group_columns: u32,
    /// Each operand as two f16, a product as three; else as one.
    pub split: bool,
    /// What multiplies.
    pub multiply: Multiply,
}

/// Powers of two that operands are multiplied by where they are split, so that what an f16 leaves of a value is no subnormal f16: those of the
/// first may reach 2047 then, those of the second, the weights, 255.
const SPLIT_SCALES: (u32, u32) = (32, 256);

impl Matrix {
    /// Of tiles `rows` x `columns` x `depth`, of which a subgroup owns `group_rows` x `group_columns`.
    pub const fn new(rows: u32, columns: u32, depth: u32, group_rows: u32, group_columns: u32) -> Self {
        Self { rows, columns, depth, group_rows, group_columns, split: false, multiply: Multiply::Sixteens }
    }

    /// With operands of two f16 each.
    pub const fn split(self) -> Self {
        Self { split: true, ..self }
    }

    /// Multiplied by something else.
    pub const fn by(self, multiply: Multiply) -> Self {
        Self { multiply, ..self }
    }

    /// Rows and columns of the matrices.
    pub fn fragment(&self) -> u32 {
        if self.multiply == Multiply::Eights { 8 } else { 16 }
    }

    /// Subgroups of a workgroup.
    fn groups(&self) -> u32 {
        (self.rows / self.group_rows) * (self.columns / self.group_columns)
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        SUBGROUP * self.groups()
    }

    /// Bytes of workgroup memory at most.
    pub fn memory(&self) -> u32 {
        // In quads of f16: an operand's rows lie next to each other, or its k.
        let tile = |rows: u32| ((self.depth / 4 + 2) * rows).max((rows / 4 + 2) * self.depth);
        let (parts, results) = if self.split { (2, 1) } else { (1, 2) };
        let fragment = self.fragment();
        // Of 8 x 8 they are less than the moments of a tile, which lie in the same place (`shaders/lib/tiled.wgsl:moments`).
        let sums = (self.groups() * results * fragment * (fragment + 4)).max(self.moments());
        let quads = 8 * parts * (tile(self.rows) + tile(self.columns)) + 4 * sums;
        if self.takes_eights() { quads.max(self.memory_of_eights()) } else { quads }
    }

    /// The same where operands are f16 in memory: sums lie where the tiles were.
    fn memory_of_eights(&self) -> u32 {
        let tiles = 16 * (self.depth / 8 + 1) * (self.rows + self.columns);
        tiles.max(4 * (self.groups() * self.fragment() * (self.group_columns + 4)).max(self.moments()))
    }

    /// f32 of the moments of a tile at most: two quads a thread, and one for each that has the same columns.
    fn moments(&self) -> u32 {
        8 * self.threads() + 4 * (self.rows / self.group_rows) * (128 / self.fragment())
    }

    /// Whether operands may be f16 in memory: one f16 each, whole eights a thread; a member stores quads of the same columns of several rows.
    pub fn takes_eights(&self) -> bool {
        let Self { rows, columns, depth, group_rows, group_columns, .. } = *self;
        let quads = depth * group_rows * group_columns;
        !self.split
            && self.multiply != Multiply::Eights
            && group_columns.is_power_of_two()
            && group_columns <= 128
            && quads.is_multiple_of(8 * SUBGROUP * columns)
            && quads.is_multiple_of(8 * SUBGROUP * rows)
    }

    /// Whether the sizes fit each other: whole matrices a subgroup, whole quads a thread.
    pub fn is_whole(&self) -> bool {
        let Self { rows, columns, depth, group_rows, group_columns, .. } = *self;
        let fragment = self.fragment();
        let matrices = |size: u32| size > 0 && size.is_multiple_of(fragment);
        if !(matrices(group_rows) && matrices(group_columns) && matrices(depth) && depth <= 64) {
            return false;
        }
        let quads = depth * group_rows * group_columns;
        rows > 0
            && columns > 0
            && rows.is_multiple_of(group_rows)
            && columns.is_multiple_of(group_columns)
            && rows <= 256
            && columns <= 256
            && quads.is_multiple_of(4 * SUBGROUP * columns)
            && quads.is_multiple_of(4 * SUBGROUP * rows)
    }

    /// Whether a device's limits admit it.
    pub fn fits(&self, limits: &Limits) -> bool {
        self.is_whole() && self.threads() <= limits.invocations && self.memory() <= limits.workgroup_memory
    }

    /// The constants and defines of a kernel.
    pub fn variant(&self) -> Variant {
        let (a, b) = if self.split { SPLIT_SCALES } else { (1, 1) };
        let variant = Variant::plain()
            .define(MATRIX)
            .with("BLOCK_M", self.rows)
            .with("BLOCK_N", self.columns)
            .with("BLOCK_K", self.depth)
            .with("GROUP_M", self.group_rows)
            .with("GROUP_N", self.group_columns)
            .with("SCALE_A", a)
            .with("SCALE_B", b);
        let variant = if self.split { variant.define(SPLIT_F16).in_way("matrix3") } else { variant.in_way("matrix") };
        match self.multiply {
            Multiply::Sixteens => variant,
            Multiply::Eights => variant.define(EIGHTS),
            Multiply::Emulated => variant.define(EMULATED),
        }
    }

    /// The tiles to try on a device, of one f16 an operand or of two, all that there are or those that won somewhere: none where it has no such
    /// matrices, or its check failed.
    pub fn candidates(info: &AdapterInfo, limits: &Limits, split: bool, all: bool) -> Vec<Self> {
        let usable = if split { info.matrices.split } else { info.matrices.single };
        let Some(multiply) = Multiply::of(info).filter(|_| usable) else { return Vec::new() };
        let (few, more): (&[Self], &[Self]) = match (multiply, split) {
            // Plain code is there to be right: one tile shows it.
            (Multiply::Emulated, _) => (&[SMALL], &[]),
            (_, false) => (&TILES, &MORE),
            (_, true) => (&SPLIT_TILES, &MORE_SPLIT),
        };
        let tiles = few.iter().chain(if all { more } else { &[] });
        let all = tiles.map(|tile| Self { split, multiply, ..*tile });
        all.filter(|tile| tile.fits(limits)).collect()
    }
}

/// Those that were best for some shape on an NVIDIA H200, the likely ones first: up to 64 sums a thread, so that there is room for the next
/// slice beside them.
const TILES: [Matrix; 9] = [
    Matrix::new(64, 128, 32, 32, 64),
    Matrix::new(64, 64, 32, 32, 32),
    Matrix::new(128, 128, 32, 64, 32),
    Matrix::new(128, 64, 32, 32, 32),
    Matrix::new(128, 128, 16, 64, 32),
    Matrix::new(128, 64, 32, 64, 32),
    Matrix::new(128, 128, 32, 64, 64),
    Matrix::new(32, 64, 32, 16, 32),
    SMALL,
];

/// The others.
const MORE: [Matrix; 8] = [
    Matrix::new(128, 64, 64, 64, 32),
    Matrix::new(128, 64, 32, 64, 64),
    Matrix::new(256, 64, 32, 64, 64),
    Matrix::new(128, 64, 16, 64, 32),
    Matrix::new(128, 128, 32, 32, 64),
    Matrix::new(256, 64, 16, 64, 32),
    Matrix::new(64, 128, 32, 32, 32),
    Matrix::new(64, 128, 16, 32, 64),
];

/// Those of two f16 an operand: half the depth, so that both halves take no more room.
const SPLIT_TILES: [Matrix; 4] =
    [Matrix::new(128, 128, 16, 64, 32), Matrix::new(128, 64, 16, 64, 32), Matrix::new(128, 64, 32, 64, 32), SMALL];

/// The others.
const MORE_SPLIT: [Matrix; 7] = [
    Matrix::new(128, 128, 32, 64, 64),
    Matrix::new(128, 128, 16, 64, 64),
    Matrix::new(128, 64, 16, 32, 32),
    Matrix::new(128, 64, 16, 64, 64),
    Matrix::new(256, 64, 16, 64, 32),
    Matrix::new(64, 64, 16, 32, 32),
    Matrix::new(64, 64, 32, 32, 32),
];

/// The smallest, with several subgroups and several matrices a subgroup: for few rows or columns, and for checks.
pub const SMALL: Matrix = Matrix::new(32, 32, 16, 16, 32);

impl fmt::Display for Matrix {
    /// `128x64x32 64x32`, and `eights` or `emulated` where something else multiplies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, columns, depth, group_rows, group_columns, .. } = self;
        write!(f, "{rows}x{columns}x{depth} {group_rows}x{group_columns}")?;
        match self.multiply {
            Multiply::Sixteens => Ok(()),
            Multiply::Eights => write!(f, " eights"),
            Multiply::Emulated => write!(f, " emulated"),
        }
    }
}

/// What a launch makes of operands before it multiplies, for twins: the nearest f16 where a product is of single f16, else nothing.
pub fn operands<'a>(variant: &Variant, values: &'a [f32]) -> Cow<'a, [f32]> {
    let has = |name: &str| variant.defines().contains(&name);
    if has(MATRIX) && !has(SPLIT_F16) {
        Cow::Owned(values.iter().map(|x| half::f16::from_f32(*x).to_f32()).collect())
    } else {
        Cow::Borrowed(values)
    }
}

/// The error of sums in one of these ways, relative, against a twin that rounds operands as [`operands`] does, where it is `rounded` if they are
/// of f32.
///
/// Products of f16 are exact in f32. Devices cut sums off instead of rounding them, by up to a unit in the last place each time: twice as much.
/// Split, an operand is known to 2^-23 of itself (its low part is 2^-11 of it at most, and rounded to 11 digits), twice, and low by low,
/// 2^-22, is left out; there are three sums. A gaussian element is within 1e-5 of the twin's, 2^-9 of an f16's unit (an eighth is added, to
/// weights from 2^-7 on): so often a weight is rounded another way at most, by 2^-10 of itself.
pub fn matrix_tolerance(matrix: &Matrix, how: Option<Distribution>, rounded: f64) -> f64 {
    if matrix.split {
        return 2f64.powi(-21) + 6.0 * rounded;
    }
    2.0 * rounded + gaussian(how, (2f64.powi(-9)).sqrt() * 2f64.powi(-10))
}

fn gaussian(how: Option<Distribution>, error: f64) -> f64 {
    if how == Some(Distribution::Gaussian) { error } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_whole_and_fit_what_they_are_for() {
        for tile in [TILES.as_slice(), &MORE, &SPLIT_TILES, &MORE_SPLIT].concat() {
            assert!(tile.is_whole() && tile.by(Multiply::Eights).is_whole(), "{tile}");
            // An NVIDIA H200's 48 KiB; signs of 128 weights a column take up to 4 KiB of it.
            assert!(tile.memory() + 32 * tile.columns <= 48 << 10, "{tile}: {}", tile.memory());
        }
        assert!(SMALL.fits(&Limits::webgpu_default()) && SMALL.split().fits(&Limits::webgpu_default()));
        assert_eq!((Matrix::new(128, 128, 32, 64, 64).threads(), SMALL.threads()), (128, 64));
        for wrong in [(128, 128, 8, 64, 64), (128, 128, 32, 64, 24), (96, 128, 32, 64, 64), (128, 128, 16, 16, 16)] {
            let (rows, columns, depth, group_rows, group_columns) = wrong;
            assert!(!Matrix::new(rows, columns, depth, group_rows, group_columns).is_whole(), "{wrong:?}");
        }
    }

    #[test]
    fn operands_are_rounded_to_f16_where_one_stands_for_a_value() {
        let third = 1.0 / 3.0f32;
        assert_eq!(operands(&SMALL.variant(), &[third, 0.5])[..], [0.333_251_95, 0.5]);
        assert_eq!(operands(&SMALL.split().variant(), &[third])[..], [third]);
        assert_eq!(operands(&Variant::plain(), &[third])[..], [third]);
    }
}
