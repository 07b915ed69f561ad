//! The CPU twins: for each kernel a function of the same name and argument order, in straight loops, and a device that runs
//! recordings on them. A twin is its kernel's specification; it works on whole launches, not on workgroups.

pub mod activation;
pub mod add;
pub mod attention;
pub mod conv;
pub mod conv_grad;
pub mod copy;
pub mod exact_add;
pub mod fill;
pub mod fill_constant;
pub mod fingerprint;
pub mod gather;
pub mod layer_norm;
pub mod linear;
pub mod linear_grad;
pub mod madd;
pub mod math;
pub mod mlp_forward;
pub mod norm;
pub mod own_rows;
pub mod pool;
pub mod replay;
pub mod softmax_xent;
pub mod sums;
pub mod tokens;
pub mod update;
pub mod weight;
