//! WGSL put together from files of the tree, with the place that each of its lines came from.

use std::fmt;

use naga::Span;

/// A line of a file below `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path below `shaders/`.
    pub file: &'static str,
    /// Its line, from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shaders/{}:{}", self.file, self.line)
    }
}

/// The source of one module.
#[derive(Clone, Debug, Default)]
pub struct Expanded {
    text: String,
    places: Vec<Place>,
}

impl Expanded {
    /// The WGSL.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where line `number` (from 1) of the text came from.
    pub fn place(&self, number: usize) -> Option<Place> {
        self.places.get(number.checked_sub(1)?).copied()
    }

    pub(super) fn push(&mut self, line: &str, place: Place) {
        self.text.push_str(line);
        self.text.push('\n');
        self.places.push(place);
    }

    pub(super) fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.places.extend(other.places);
    }

    /// Replaces bytes within one line.
    pub(super) fn replace(&mut self, range: std::ops::Range<usize>, with: &str) {
        self.text.replace_range(range, with);
    }

    /// A message about spans of the text, each with what it is there: the places they came from, and the lines themselves.
    pub(super) fn explain<'a>(&self, message: &str, spans: impl Iterator<Item = (Span, &'a str)>) -> String {
        let mut all = message.to_owned();
        for (span, what) in spans.filter(|(span, _)| span.is_defined()) {
            let at = span.location(&self.text);
            let Some(place) = self.place(at.line_number as usize) else { continue };
            let line = self.text.lines().nth(at.line_number as usize - 1).unwrap_or_default().trim();
            let separator = if what.is_empty() { "" } else { ": " };
            all += &format!("\n  {place}:{}{separator}{what}\n    {line}", at.line_position);
        }
        all
    }
}
