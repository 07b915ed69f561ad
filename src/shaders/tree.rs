//! The tree of files, and the sections that those of `shaders/lib/` consist of: such a file has one subject, and in it fragments that are
//! imported one by one.
//!
//! ```text
//! // What belongs in this file.
//!
//! #section tree
//! // What this fragment is.
//! fn tree_sum( ...
//! ```
//!
//! A section goes from the line below its name to the next one's, without the empty lines at its end. Above the first there are comments
//! only, which belong to the file. An import names one, `#import lib/lanes.wgsl:tree`; `#import lib/NAME.wgsl` takes the whole of a file
//! that has none.

use super::expanded::Place;
use super::fault::{Fault, Misplaced};

/// Files by their path below `shaders/`.
pub type Tree = &'static [(&'static str, &'static str)];

/// A piece of the tree that comes into a module whole: a file without sections, or a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    /// The file's path below `shaders/`.
    pub file: &'static str,
    /// The section; None of a file that has none.
    pub section: Option<&'static str>,
    /// The number of its first line in the file.
    pub first: u32,
    /// Its lines.
    pub text: &'static str,
}

impl Fragment {
    /// File and section.
    pub fn key(&self) -> (&'static str, Option<&'static str>) {
        (self.file, self.section)
    }

    /// Its lines, each with its place.
    pub fn lines(self) -> impl Iterator<Item = (&'static str, Place)> {
        self.text.lines().zip(self.first..).map(move |(line, number)| (line, Place { file: self.file, line: number }))
    }
}

/// The file of this path, sections and all: a kernel has none.
pub(super) fn file(tree: Tree, path: &str) -> Option<Fragment> {
    let &(file, text) = tree.iter().find(|(file, _)| *file == path)?;
    Some(Fragment { file, section: None, first: 1, text })
}

/// File and section of what an import names.
pub(super) fn parts(target: &str) -> (&str, Option<&str>) {
    target.split_once(':').map_or((target, None), |(path, section)| (path, Some(section)))
}

/// What an import at `place` names.
pub(super) fn find(tree: Tree, target: &str, place: Place) -> Result<Fragment, Misplaced> {
    let fault = |fault| Err(Misplaced { place, fault });
    let (path, section) = parts(target);
    let Some(whole) = file(tree, path) else { return fault(Fault::Missing(path.to_owned())) };
    let sections = cut(whole)?;
    if section.is_none() && sections.is_empty() {
        return Ok(whole);
    }
    if let Some(found) = sections.iter().find(|found| found.section == section) {
        return Ok(*found);
    }
    let file = path.to_owned();
    let known = sections.iter().filter_map(|found| found.section.map(str::to_owned)).collect();
    fault(match section {
        None => Fault::Whole { file, known },
        Some(section) => Fault::UnknownSection { file, section: section.to_owned(), known },
    })
}

/// The sections of a file; none where no line is a `#section`.
pub(super) fn cut(whole: Fragment) -> Result<Vec<Fragment>, Misplaced> {
    let mut sections: Vec<Fragment> = Vec::new();
    let mut stray = None;
    let mut end = 0;
    for (line, number) in whole.text.split_inclusive('\n').zip(1..) {
        let at = |fault| Misplaced { place: Place { file: whole.file, line: number }, fault };
        let begin = end;
        end += line.len();
        let bare = line.trim();
        let Some(("section", name)) = directive(line) else {
            if sections.is_empty() && stray.is_none() && !bare.is_empty() && !bare.starts_with("//") {
                stray = Some(at(Fault::AboveSections(bare.to_owned())));
            }
            continue;
        };
        if let Some(stray) = stray {
            return Err(stray);
        }
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Err(at(Fault::SectionName(name.to_owned())));
        }
        if let Some(other) = sections.iter().find(|other| other.section == Some(name)) {
            return Err(at(Fault::SameSection { section: name.to_owned(), line: other.first - 1 }));
        }
        if let Some(above) = sections.last_mut() {
            above.text = &above.text[..above.text.len() - (whole.text.len() - begin)];
        }
        sections.push(Fragment { section: Some(name), first: number + 1, text: &whole.text[end..], ..whole });
    }
    for section in &mut sections {
        section.text = section.text.trim_end();
    }
    Ok(sections)
}

/// The word and the rest of a line that is a directive.
pub(super) fn directive(line: &str) -> Option<(&str, &str)> {
    let directive = line.trim().strip_prefix('#')?;
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    Some((word, rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "// Head.\n\n#section one\n// One.\nx\n\n\n  #section two_2\n\ny\n#section last\n";

    fn wrong(text: &'static str) -> (u32, Fault) {
        let Misplaced { place, fault } = cut(Fragment { file: "a", section: None, first: 1, text }).unwrap_err();
        (place.line, fault)
    }

    fn found(target: &str) -> Result<Fragment, Fault> {
        let place = Place { file: "k", line: 7 };
        find(&[("a", LIB), ("b", "x\n")], target, place).map_err(|misplaced| {
            assert_eq!(misplaced.place, place);
            misplaced.fault
        })
    }

    #[test]
    fn sections_are_found_by_name_with_their_lines() {
        let one = found("a:one").unwrap();
        assert_eq!((one.text, one.first), ("// One.\nx", 4));
        let two = found("a:two_2").unwrap();
        let lines: Vec<(&str, u32)> = two.lines().map(|(line, place)| (line, place.line)).collect();
        assert_eq!(lines, [("", 9), ("y", 10)]);
        assert_eq!(found("a:last").unwrap().text, "");
        assert_eq!(found("b").unwrap().text, "x\n");
    }

    #[test]
    fn an_import_of_what_is_not_there_says_what_is() {
        let known = || ["one", "two_2", "last"].map(str::to_owned).to_vec();
        let unknown =
            |section: &str| Fault::UnknownSection { file: "a".into(), section: section.into(), known: known() };
        assert_eq!(found("a:two"), Err(unknown("two")));
        assert_eq!(found("a:"), Err(unknown("")));
        assert_eq!(found("a:one:two_2"), Err(unknown("one:two_2")));
        assert_eq!(unknown("two").to_string(), "shaders/a has no section \"two\": it has one, two_2, last");
        assert_eq!(found("c:one"), Err(Fault::Missing("c".to_owned())));
        let whole = found("a").unwrap_err();
        assert_eq!(whole, Fault::Whole { file: "a".to_owned(), known: known() });
        assert!(whole.to_string().contains("#import a:NAME") && whole.to_string().ends_with("one, two_2, last"));
        let of_none = found("b:one").unwrap_err().to_string();
        assert_eq!(of_none, "shaders/b has no section \"one\": it has none");
    }

    #[test]
    fn a_file_of_sections_has_each_once_and_nothing_above_them() {
        let same = Fault::SameSection { section: "x".to_owned(), line: 2 };
        assert_eq!(wrong("\n#section x\n#section y\n#section x"), (4, same));
        assert_eq!(
            wrong("// Head.\n  const A: u32 = 1u;\n#section x"),
            (2, Fault::AboveSections("const A: u32 = 1u;".to_owned()))
        );
        assert_eq!(wrong("#import b\n#section x"), (1, Fault::AboveSections("#import b".to_owned())));
        for name in ["", "X", "a b", "a:b", "a-b"] {
            let text: &'static str = Box::leak(format!("\n#section {name}\n").into_boxed_str());
            assert_eq!(wrong(text), (2, Fault::SectionName(name.to_owned())));
        }
    }
}
