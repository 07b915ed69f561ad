//! What a kernel is to a recording: its name, its CPU twin, the constants that specialise it, and a launch as the twin sees it.

use std::cell::{Ref, RefCell, RefMut};
use std::fmt;

use bytemuck::Pod;

use crate::caps::Tier;

/// A row of the table.
pub struct Kernel {
    /// Name, that of the shader file without `.wgsl`.
    pub name: &'static str,
    /// The CPU twin: the kernel's specification.
    pub twin: Twin,
    /// The uniform block as the host writes it; a test compares it with the shader's.
    pub params: &'static StructLayout,
    /// The defines that a [`Variant`] of it may carry. Each subset of them is a permutation that must be valid.
    pub defines: &'static [&'static str],
    /// Constants of a [`Variant`] that are there for speed alone: without them ([`Variant::without`]) it computes the same.
    pub speed: &'static [&'static str],
    /// The lowest tier that it can be built in.
    pub tier: Tier,
}

impl Kernel {
    /// A kernel of every tier, without defines, whose uniform block is a `P`.
    pub const fn new<P: Params>(name: &'static str, twin: Twin) -> Self {
        Self { name, twin, params: P::LAYOUT, defines: &[], speed: &[], tier: Tier::Core }
    }

    /// With defines that its variants may carry.
    pub const fn with_defines(self, defines: &'static [&'static str]) -> Self {
        Self { defines, ..self }
    }

    /// With constants that are there for speed alone. Where that takes the define `ANY_SHAPE`, it lists that, too.
    pub const fn with_speed(self, speed: &'static [&'static str]) -> Self {
        Self { speed, ..self }
    }

    /// Only for devices of the subgroup tier.
    pub const fn of_subgroups(self) -> Self {
        Self { tier: Tier::Subgroup, ..self }
    }
}

/// A struct that crosses from host to shader as it lies in memory, made by the macro `params!`.
pub trait Params: Pod {
    /// Its members as the shader must declare them.
    const LAYOUT: &'static StructLayout;
}

/// How a struct lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StructLayout {
    /// Its size.
    pub bytes: u32,
    /// Its members in order.
    pub members: &'static [Member],
}

/// A member of a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name, the same in both languages.
    pub name: &'static str,
    /// Byte offset.
    pub offset: u32,
    /// Type, `u32`, `i32`, `f32` or another such struct in both languages.
    pub kind: &'static str,
}

/// Declares structs that cross from host to shader, with the layout in which they do.
macro_rules! params {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $member:ident: $kind:ident),* $(,)? })*) => {$(
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
        $(#[$meta])*
        pub struct $name { $($(#[$doc])* pub $member: $kind),* }

        impl $crate::recording::kernel::Params for $name {
            const LAYOUT: &'static $crate::recording::kernel::StructLayout = &$crate::recording::kernel::StructLayout {
                bytes: size_of::<$name>() as u32,
                members: &[$($crate::recording::kernel::Member {
                    name: stringify!($member),
                    offset: core::mem::offset_of!($name, $member) as u32,
                    kind: stringify!($kind),
                }),*],
            };
        }
    )*};
}
pub(crate) use params;

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

/// What specialises a kernel: defines, for the `#ifdef`s of its source, and constants `(name, value)`, for an `override` or a
/// `const NAME: u32 = ...;` line. Beside them the name of the way in which it computes a product, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    defines: Vec<&'static str>,
    constants: Vec<(&'static str, u32)>,
    way: &'static str,
}

impl Variant {
    /// The kernel as written.
    pub fn plain() -> Self {
        Self::default()
    }

    /// With one more constant set.
    pub fn with(mut self, name: &'static str, value: u32) -> Self {
        self.constants.push((name, value));
        self
    }

    /// With one more define, of those that the kernel lists.
    pub fn define(mut self, name: &'static str) -> Self {
        self.defines.push(name);
        self
    }

    /// Without constants of these names.
    pub fn without(mut self, names: &[&str]) -> Self {
        self.constants.retain(|(name, _)| !names.contains(name));
        self
    }

    /// With the name of its way, which changes nothing.
    pub fn in_way(mut self, way: &'static str) -> Self {
        self.way = way;
        self
    }

    /// The way's name; empty where there is only one.
    pub fn way(&self) -> &'static str {
        self.way
    }

    /// The constants in the order given.
    pub fn constants(&self) -> &[(&'static str, u32)] {
        &self.constants
    }

    /// The defines in the order given.
    pub fn defines(&self) -> &[&'static str] {
        &self.defines
    }

    /// The value of a constant, or `default` where it isn't set.
    pub fn get(&self, name: &str, default: u32) -> u32 {
        self.constants.iter().find(|(n, _)| *n == name).map_or(default, |(_, v)| *v)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let constants = self.constants.iter().map(|(n, v)| format!("{n}={v}"));
        let parts: Vec<String> = self.defines.iter().map(|n| (*n).to_owned()).chain(constants).collect();
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
