//! Tables and curves of finished runs, as Markdown and as one page that needs nothing else.
//!
//! `find` looks for runs, `runs` holds those that it found, `group` puts those together that differ only by their seeds, `tables`, `charts` and `bars` say what is shown of
//! them, `svg` draws a chart, `page` is the HTML; `tensorboard` makes event files of the curves of each run. Every number comes from the
//! runs' folders, the paper's values from their sweep's index.

mod bars;
mod charts;
mod curve;
mod find;
mod group;
mod markdown;
mod page;
mod runs;
mod svg;
mod tables;
pub mod tensorboard;

pub use group::{Group, GroupFigures};
pub use runs::{Problem, Report};

impl Report {
    /// The tables, as Markdown.
    pub fn markdown(&self) -> String {
        markdown::of(self)
    }

    /// Tables and curves, as one HTML page that loads nothing.
    pub fn html(&self) -> String {
        page::of(self)
    }
}
