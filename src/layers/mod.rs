//! The kinds of layers, a file a kind (`kinds`): what a model table says of one, its sizes and tensors, what it costs, and what its forward and
//! backward pass record and keep.

mod entry;
mod error;
mod keeps;
mod kind;
pub mod kinds;
mod layer;
pub mod limits;
mod one_dispatch;
mod passes;
mod shape;
mod site;
mod sizes;
pub mod table;
mod tensors;
mod values;

pub use entry::{Entry, Form};
pub use error::ModelError;
pub use keeps::{Footprint, Keeps};
pub use kind::{BatchNorm, Kind, Weights};
pub use kinds::{Layer, LayerSpec, kind, kind_mut};
pub use one_dispatch::one_dispatch;
pub use passes::{Backward, Forward, GradientWays, HalvesOf, LaneTables, Mode};
pub use shape::{Images, Shape, window};
pub use site::Site;
pub use sizes::{Pass, Sizes};
pub use tensors::{Init, ParamTensor, Tensors};
