//! The main job: warm-up rounds, the pivot, ZO rounds, with everything on disk as it goes.

mod compare;
mod finish;
mod fork;
mod loaded;
mod notices;
mod recover;
mod resume;
mod rounds;
mod running;
mod start;
mod ways;

pub(in crate::fed) use fork::fork_on;
pub use fork::{Origin, fork};
pub use resume::resume;
pub(in crate::fed) use resume::resume_on;
pub use start::start;
pub(in crate::fed) use start::start_on;
pub use ways::choose as choose_ways;
