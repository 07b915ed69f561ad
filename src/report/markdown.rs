//! A report as Markdown.

use super::{Report, tables};
use crate::fed::sweep::aligned;

/// Headings and tables, and what was left out.
pub fn of(report: &Report) -> String {
    let mut out = format!("# {}\n", report.title);
    for table in tables::of(report) {
        let head: Vec<&str> = table.head.iter().map(String::as_str).collect();
        let note = if table.note.is_empty() { String::new() } else { format!("{}\n\n", table.note) };
        out.push_str(&format!("\n## {}\n\n{note}{}", table.title, aligned(&head, &table.rows)));
    }
    if !report.problems.is_empty() {
        out.push_str("\n## Left out\n\n");
        report.problems.iter().for_each(|problem| out.push_str(&format!("- {}\n", problem.message)));
    }
    out
}
