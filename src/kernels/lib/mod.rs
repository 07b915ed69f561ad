//! What kernels share on the host, as `shaders/lib/` is what they share on the device: structs that cross, launches of families, pieces of
//! twins, and what self-test cases are made of.

pub mod case;
pub mod chains;
pub mod class_rows;
pub mod conv;
pub mod conv_grad;
pub mod conv_moments;
pub mod exact_add;
pub mod fill;
pub mod fixture;
pub mod geometry;
pub mod grid;
pub mod halves;
pub mod heads;
pub mod math;
pub mod matrix;
pub mod moments;
pub mod norm;
pub mod norm_cases;
pub mod params;
pub mod parts;
pub mod replay;
pub mod replay_cases;
pub mod scales;
pub mod strips;
pub mod tile_order;
pub mod tiles;
pub mod tiling;
pub mod tree;
pub mod values;
pub mod way;
pub mod weight;

pub use case::{Case, PERTURBED, rounding};
pub use fixture::Fixture;
pub use grid::{fold_grid, vec4_bytes};
