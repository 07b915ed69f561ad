//! What can be wrong with a line of a shader.

use super::expanded::Place;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// `#` and something else.
    #[error("unknown directive {0:?}: there are #import, #ifdef, #ifndef, #else, #endif, #operand, #for and #end")]
    UnknownDirective(String),
    /// A name that neither the device's flavour nor the kernel's row lists.
    #[error("unknown define {0:?}: it is neither a flavour's nor listed in the kernel's row")]
    UnknownDefine(String),
    /// An import of nothing.
    #[error("shaders/{0} does not exist")]
    Missing(String),
    /// `#else` or `#endif` without a condition, or a second `#else`.
    #[error("{0} belongs to no #ifdef or #ifndef")]
    Unopened(String),
    /// A condition that has no end.
    #[error("this has no #endif or #end in its file")]
    Unclosed,
    /// A malformed `#operand`.
    #[error(
        "{0:?} declares no operand: expected @binding(N) NAME: TYPE with TYPE f32, vec4<f32>, vec4<u32>, Value or Halves"
    )]
    Operand(String),
    /// A malformed `#for`, or a count that isn't put together of numbers and constants.
    #[error(
        "{0:?} is no loop: expected #for NAME in COUNT, numbers and constants that are plain numbers with *, / and - between them"
    )]
    Loop(String),
    /// Text behind a directive that takes none.
    #[error("{0:?} behind the directive")]
    Trailing(String),
}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct Misplaced {
    /// The line.
    pub place: Place,
    /// What is wrong with it.
    pub fault: Fault,
}
