//! What can be wrong with a line of a shader.

use super::expanded::Place;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// `#` and something else.
    #[error(
        "unknown directive {0:?}: there are #section, #import, #ifdef, #ifndef, #else, #endif, #operand, #for and #end"
    )]
    UnknownDirective(String),
    /// A name that neither the device's flavour nor the kernel's row lists.
    #[error("unknown define {0:?}: it is neither a flavour's nor listed in the kernel's row")]
    UnknownDefine(String),
    /// An import of nothing.
    #[error("shaders/{0} does not exist")]
    Missing(String),
    /// An import of a section that its file lacks.
    #[error("shaders/{file} has no section {section:?}: it has {}", listed(.known))]
    UnknownSection {
        /// The file.
        file: String,
        /// The section.
        section: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// An import of a whole file that has sections.
    #[error("shaders/{file} has sections, which are imported one by one (#import {file}:NAME): it has {}", listed(.known))]
    Whole {
        /// The file.
        file: String,
        /// Its sections.
        known: Vec<String>,
    },
    /// An import of what is being imported.
    #[error("a circle of imports: {0} imports itself by way of this line")]
    Circle(String),
    /// `#section` in a kernel, or in what is taken whole like one.
    #[error("section {0:?} of a file that is taken whole: sections are for files that others import")]
    SectionOfWhole(String),
    /// `#section` with another name than such names are, or none.
    #[error("{0:?} names no section: a name is put together of a-z, 0-9 and _")]
    SectionName(String),
    /// Two sections of one name.
    #[error("the file has a section {section:?} on line {line} already")]
    SameSection {
        /// The name.
        section: String,
        /// Where the first of them begins.
        line: u32,
    },
    /// What nobody could import.
    #[error("{0:?} stands above the file's first section, where only comments may")]
    AboveSections(String),
    /// `#else` or `#endif` without a condition, or a second `#else`.
    #[error("{0} belongs to no #ifdef or #ifndef")]
    Unopened(String),
    /// A condition that has no end.
    #[error("this has no #endif or #end in its file or section")]
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

/// Names as they stand in a sentence.
fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
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
