//! What a kernel is to a recording: its name, its CPU twin, the constants that specialise it, and a launch as the twin sees it.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;

use bytemuck::Pod;

/// A row of the table.
pub struct Kernel {
    /// Name, that of the shader file without `.wgsl`.
    pub name: &'static str,
    /// The CPU twin: the kernel's specification.
    pub twin: Twin,
}

impl PartialEq for Kernel {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Kernel {}
impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Constants that specialise a kernel: `(name, value)`, for an `override` or a `const NAME: u32 = ...;` line of its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant(Vec<(&'static str, u32)>);

impl Variant {
    /// The kernel as written.
    pub fn plain() -> Self {
        Self::default()
    }

    /// With one more constant set.
    pub fn with(mut self, name: &'static str, value: u32) -> Self {
        self.0.push((name, value));
        self
    }

    /// The constants in the order given.
    pub fn constants(&self) -> &[(&'static str, u32)] {
        &self.0
    }

    /// The value of a constant, or `default` where it isn't set.
    pub fn get(&self, name: &str, default: u32) -> u32 {
        self.0.iter().find(|(n, _)| *n == name).map_or(default, |(_, v)| *v)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
        if parts.is_empty() { Ok(()) } else { write!(f, "<{}>", parts.join(",")) }
    }
}

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
    pub(crate) bindings: Vec<Bound<'a>>,
}

/// A span of a buffer that a launch binds.
pub(crate) struct Bound<'a> {
    pub(crate) words: &'a RefCell<Vec<u32>>,
    pub(crate) first: usize,
    pub(crate) len: usize,
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
