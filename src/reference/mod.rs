//! The CPU twins: for each kernel a function of the same name and argument order, in straight loops, and a device that runs
//! recordings on them. A twin is its kernel's specification; it works on whole launches, not on workgroups.

pub mod activation;
pub mod add;
pub mod attention;
pub mod conv;
pub mod conv_grad;
pub mod copy;
mod device;
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
pub mod pool;
pub mod replay;
pub mod softmax_xent;
pub mod sums;
pub mod tokens;
pub mod update;
pub mod weight;

pub use device::ReferenceDevice;

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use bytemuck::Pod;

use crate::kernels::Variant;

/// A kernel's CPU twin.
pub type Twin = fn(&Call<'_>);

/// One launch, as a twin sees it: what the shader gets, with bindings as words.
pub struct Call<'a> {
    /// Constants of the variant.
    pub variant: &'a Variant,
    /// Bytes of the uniform block.
    pub params: &'a [u8],
    /// Workgroups.
    pub grid: [u32; 3],
    bindings: Vec<Bound>,
}

struct Bound {
    words: Rc<RefCell<Vec<u32>>>,
    first: usize,
    len: usize,
}

impl Call<'_> {
    /// The uniform block as its host struct.
    pub fn params<P: Pod>(&self) -> P {
        bytemuck::pod_read_unaligned(&self.params[..size_of::<P>()])
    }

    /// Binding `index` (1, 2, ...) to read, as elements of `T` (f32, u32, i32, [`crate::kernels::params::Lane`], ...).
    pub fn read<T: Pod>(&self, index: usize) -> Ref<'_, [T]> {
        let bound = &self.bindings[index - 1];
        Ref::map(bound.words.borrow(), |words| whole(&words[bound.first..bound.first + bound.len]))
    }

    /// Binding `index` to read and write.
    pub fn write<T: Pod>(&self, index: usize) -> RefMut<'_, [T]> {
        let bound = &self.bindings[index - 1];
        RefMut::map(bound.words.borrow_mut(), |words| {
            let words = &mut words[bound.first..bound.first + bound.len];
            let fit = words.len() * 4 / size_of::<T>() * size_of::<T>() / 4;
            bytemuck::cast_slice_mut(&mut words[..fit])
        })
    }
}

/// As many whole `T`s as the words hold.
fn whole<T: Pod>(words: &[u32]) -> &[T] {
    let fit = words.len() * 4 / size_of::<T>() * size_of::<T>() / 4;
    bytemuck::cast_slice(&words[..fit])
}
