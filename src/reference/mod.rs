//! CPU twins that are still beside their kernels' files.

pub mod conv_grad;
pub mod layer_norm;
pub mod linear_grad;
pub mod norm;

pub use crate::kernels::lib::{tree as sums, weight};

mod conv {
    pub use crate::kernels::lib::geometry::Geometry;
    use crate::recording::kernel::Call;

    pub fn geometry(call: &Call<'_>) -> Geometry {
        Geometry::of(call)
    }
}
