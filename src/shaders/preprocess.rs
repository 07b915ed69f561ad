//! The preprocessor: a kernel's file and what it imports, put together for a device and a permutation.
//!
//! A directive is a line that begins with `#`, indented or not:
//!
//! - `#import lib/FILE.wgsl:NAME`: that section of that file (`tree.rs`), once a module, so that imports may overlap. Of a file without
//!   sections, `#import lib/FILE.wgsl`.
//! - `#section NAME`: what is below is the section NAME of the file.
//! - `#ifdef NAME`, `#ifndef NAME`, `#else`, `#endif`: the lines between, where NAME is defined or isn't; conditions may be nested.
//! - `#operand @binding(N) NAME: TYPE`: a read-only array and the function `NAME_at(i)` that reads it, from a storage buffer or as
//!   texels; TYPE is `f32`, `vec4<f32>`, `vec4<u32>`, `Value`, or `Halves`: four f16 in two words, read as `vec4<f32>` (`lib/values.wgsl:halves`).
//! - `#for NAME in COUNT`, `#end`: the lines between once for each value of NAME (`repeat.rs`), written out once constants are known.
//!
//! `enable` lines move to the top, where WGSL wants them. Whatever is not understood is an error with file and line: a directive, a name
//! that no `#ifdef` may ask for, a section that isn't there, a circle of imports, a condition that doesn't end in its file or section.

use std::collections::HashMap;

use super::defines::Defines;
use super::expanded::{Expanded, Place};
use super::fault::{Fault, Misplaced};
use super::operand::Operand;
use super::tree::{self, Fragment, Tree, directive};

/// Puts together the module that begins with what an import would call `target`, or with a kernel's file; None where there is no such file
/// or section.
pub fn expand(tree: Tree, target: &str, defines: &Defines) -> Option<Result<Expanded, Misplaced>> {
    let (path, section) = tree::parts(target);
    let mut root = tree::file(tree, path)?;
    if section.is_some() {
        root = match tree::cut(root) {
            Ok(sections) => sections.into_iter().find(|found| found.section == section)?,
            Err(misplaced) => return Some(Err(misplaced)),
        };
    }
    let mut expansion =
        Expansion { tree, defines, done: HashMap::new(), enables: Expanded::default(), body: Expanded::default() };
    Some(expansion.include(root).map(|()| {
        let mut whole = expansion.enables;
        whole.append(expansion.body);
        whole
    }))
}

/// A module on the way.
struct Expansion<'a> {
    tree: Tree,
    defines: &'a Defines,
    /// What came into the module, by file and section; false while it is on its way.
    done: HashMap<(&'static str, Option<&'static str>), bool>,
    enables: Expanded,
    body: Expanded,
}

/// An open `#ifdef` or `#ifndef`.
struct Condition {
    opened: Place,
    /// The lines around it are taken.
    outer: bool,
    /// Its own condition holds; after `#else`, the opposite.
    holds: bool,
    /// `#else` has come.
    turned: bool,
}

impl Expansion<'_> {
    fn include(&mut self, fragment: Fragment) -> Result<(), Misplaced> {
        self.done.insert(fragment.key(), false);
        let mut open: Vec<Condition> = Vec::new();
        for (line, place) in fragment.lines() {
            let taken = open.last().is_none_or(|c| c.outer && c.holds);
            let at = |fault| Misplaced { place, fault };
            let Some((word, rest)) = directive(line) else {
                if taken {
                    self.line(line, place);
                }
                continue;
            };
            match word {
                "ifdef" | "ifndef" => {
                    // Asked even where it doesn't matter, so that a misspelt name shows in every permutation.
                    let holds = self.defines.has(rest).map_err(at)? == (word == "ifdef");
                    open.push(Condition { opened: place, outer: taken, holds, turned: false });
                }
                "else" | "endif" if !rest.is_empty() => return Err(at(Fault::Trailing(rest.to_owned()))),
                "else" => match open.last_mut() {
                    Some(condition) if !condition.turned => {
                        (condition.holds, condition.turned) = (!condition.holds, true);
                    }
                    _ => return Err(at(Fault::Unopened("#else".to_owned()))),
                },
                "endif" => {
                    open.pop().ok_or_else(|| at(Fault::Unopened("#endif".to_owned())))?;
                }
                "import" => {
                    // Looked for even where it isn't taken, as names of defines are.
                    let imported = tree::find(self.tree, rest, place)?;
                    match self.done.get(&imported.key()) {
                        None if taken => self.include(imported)?,
                        Some(false) if taken => return Err(at(Fault::Circle(rest.to_owned()))),
                        _ => {}
                    }
                }
                "operand" => {
                    let operand = Operand::parse(rest, self.defines).map_err(at)?;
                    if taken {
                        for line in operand.wgsl(self.defines).map_err(at)? {
                            self.body.push(&line, place);
                        }
                    }
                }
                "for" | "end" => {
                    if taken {
                        self.body.push(line, place);
                    }
                }
                "section" => return Err(at(Fault::SectionOfWhole(rest.to_owned()))),
                _ => return Err(at(Fault::UnknownDirective(line.trim().to_owned()))),
            }
        }
        self.done.insert(fragment.key(), true);
        match open.pop() {
            None => Ok(()),
            Some(condition) => Err(Misplaced { place: condition.opened, fault: Fault::Unclosed }),
        }
    }

    /// A line of WGSL.
    fn line(&mut self, line: &str, place: Place) {
        if !line.starts_with("enable ") {
            self.body.push(line, place);
        } else if !self.enables.text().lines().any(|known| known == line) {
            self.enables.push(line, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shaders::{QUADS, SUBGROUP, TEXELS};

    fn defines(quads: bool, texels: bool) -> Defines {
        Defines::default().with(SUBGROUP, false).with(TEXELS, texels).with(QUADS, quads)
    }

    fn expanded(tree: Tree, defines: &Defines) -> Expanded {
        expand(tree, "a.wgsl", defines).unwrap().unwrap()
    }

    fn fault(tree: Tree) -> (String, u32, Fault) {
        let Misplaced { place, fault } = expand(tree, "a.wgsl", &defines(true, false)).unwrap().unwrap_err();
        (place.file.to_owned(), place.line, fault)
    }

    #[test]
    fn imports_come_once_and_lines_keep_their_places() {
        let tree: Tree = &[
            ("a.wgsl", "// a\n#import b.wgsl\n#import c.wgsl\nend"),
            ("b.wgsl", "enable f16;\n#import c.wgsl\nb"),
            ("c.wgsl", "enable f16;\n\nc"),
        ];
        let found = expanded(tree, &defines(false, false));
        assert_eq!(found.text(), "enable f16;\n// a\n\nc\nb\nend\n");
        let places: Vec<String> = (1..=6).map(|n| found.place(n).unwrap().to_string()).collect();
        let expected =
            ["b.wgsl:1", "a.wgsl:1", "c.wgsl:2", "c.wgsl:3", "b.wgsl:3", "a.wgsl:4"].map(|p| format!("shaders/{p}"));
        assert_eq!(places, expected);
        assert!(found.place(0).is_none() && found.place(7).is_none());
        assert!(expand(tree, "d.wgsl", &defines(false, false)).is_none());
    }

    const SECTIONS: Tree = &[
        ("a.wgsl", "a\n#import lib/b.wgsl:two\n#import lib/b.wgsl:one\nend\n"),
        (
            "lib/b.wgsl",
            "// Head.\n\n#section one\n// One.\n1\n\n#section two\n#import lib/b.wgsl:one\n2\n\n#section three\n3\n",
        ),
        ("lib/c.wgsl", "#section x\n#ifdef QUADS\n#section y\n#endif\n"),
        (
            "lib/d.wgsl",
            "#section p\n#import lib/d.wgsl:q\n#section q\n\n#import lib/d.wgsl:r\n#section r\n#import lib/d.wgsl:p\n",
        ),
    ];

    #[test]
    fn sections_come_once_alone_and_with_their_imports() {
        let found = expanded(SECTIONS, &defines(false, false));
        assert_eq!(found.text(), "a\n// One.\n1\n2\nend\n");
        let places: Vec<String> = (1..=5).map(|n| found.place(n).unwrap().to_string()).collect();
        let expected = ["a.wgsl:1", "lib/b.wgsl:4", "lib/b.wgsl:5", "lib/b.wgsl:9", "a.wgsl:4"];
        assert_eq!(places, expected.map(|place| format!("shaders/{place}")));
        // A section as a module's beginning.
        let three = expand(SECTIONS, "lib/b.wgsl:three", &defines(false, false)).unwrap().unwrap();
        assert_eq!((three.text(), three.place(1).unwrap().line), ("3\n", 12));
        assert!(expand(SECTIONS, "lib/b.wgsl:four", &defines(false, false)).is_none());
    }

    #[test]
    fn sections_in_the_wrong_place_are_errors() {
        let fault = |target: &str| {
            let Misplaced { place, fault } = expand(SECTIONS, target, &defines(true, false)).unwrap().unwrap_err();
            (place.to_string(), fault)
        };
        let whole = Fault::SectionOfWhole("one".to_owned());
        assert_eq!(fault("lib/b.wgsl"), ("shaders/lib/b.wgsl:3".to_owned(), whole));
        // A condition doesn't reach into the next section.
        assert_eq!(fault("lib/c.wgsl:x"), ("shaders/lib/c.wgsl:2".to_owned(), Fault::Unclosed));
        assert_eq!(fault("lib/c.wgsl:y"), ("shaders/lib/c.wgsl:4".to_owned(), Fault::Unopened("#endif".to_owned())));
        for (first, line, closing) in [("p", 7, "p"), ("q", 2, "q"), ("r", 5, "r")] {
            let circle = Fault::Circle(format!("lib/d.wgsl:{closing}"));
            assert_eq!(fault(&format!("lib/d.wgsl:{first}")), (format!("shaders/lib/d.wgsl:{line}"), circle));
        }
    }

    #[test]
    fn conditions_nest() {
        let tree: Tree = &[(
            "a.wgsl",
            "#ifdef QUADS\nq\n  #ifndef TEXELS\nqb\n  #else\nqt\n  #endif\n#else\ns\n#ifdef TEXELS\nst\n#endif\n#endif\nend",
        )];
        for (quads, texels, text) in [
            (true, false, "q\nqb\nend\n"),
            (true, true, "q\nqt\nend\n"),
            (false, false, "s\nend\n"),
            (false, true, "s\nst\nend\n"),
        ] {
            assert_eq!(expanded(tree, &defines(quads, texels)).text(), text);
        }
    }

    #[test]
    fn operands_are_read_from_buffers_or_texels() {
        let tree: Tree = &[("a.wgsl", "#operand @binding(3) x: Value\n#operand @binding(1) w: vec4<u32>")];
        let found = expanded(tree, &defines(false, false));
        let scalar =
            "@group(0) @binding(3) var<storage, read> x: array<f32>;\nfn x_at(i: u32) -> f32 {\n    return x[i];\n}\n";
        assert!(found.text().starts_with(scalar), "{}", found.text());
        let found = expanded(tree, &defines(true, true));
        let quad = "@group(0) @binding(3) var x: texture_storage_2d<rgba32float, read>;\nfn x_at(i: u32) -> vec4<f32> {\n    return \
                    textureLoad(x, vec2<u32>(i & 2047u, i >> 11u));\n}\n@group(0) @binding(1) var w: texture_storage_2d<rgba32uint, read>;";
        assert!(found.text().starts_with(quad), "{}", found.text());
        let found = expanded(tree, &defines(false, true));
        assert!(found.text().contains("textureLoad(x, vec2<u32>(i & 8191u, i >> 13u)).x;"), "{}", found.text());
        assert_eq!(found.place(8).unwrap().line, 2);
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_its_place() {
        let in_a = |line, fault| ("a.wgsl".to_owned(), line, fault);
        let directive = |text: &str| Fault::UnknownDirective(text.to_owned());
        assert_eq!(fault(&[("a.wgsl", "\n #include b.wgsl")]), in_a(2, directive("#include b.wgsl")));
        assert_eq!(fault(&[("a.wgsl", "#")]), in_a(1, directive("#")));
        assert_eq!(fault(&[("a.wgsl", "#ifdef QUADS\n#if X\n#endif")]), in_a(2, directive("#if X")));
        // In a branch that isn't taken, too.
        assert_eq!(fault(&[("a.wgsl", "#ifndef QUADS\n#x\n#endif")]), in_a(2, directive("#x")));
        let define = |name: &str| Fault::UnknownDefine(name.to_owned());
        assert_eq!(fault(&[("a.wgsl", "#ifdef QUAD\n#endif")]), in_a(1, define("QUAD")));
        assert_eq!(fault(&[("a.wgsl", "#ifndef\n#endif")]), in_a(1, define("")));
        assert_eq!(fault(&[("a.wgsl", "\n#endif")]), in_a(2, Fault::Unopened("#endif".to_owned())));
        assert_eq!(fault(&[("a.wgsl", "#else\n#endif")]), in_a(1, Fault::Unopened("#else".to_owned())));
        let twice: Tree = &[("a.wgsl", "#ifdef QUADS\n#else\n#else\n#endif")];
        assert_eq!(fault(twice), in_a(3, Fault::Unopened("#else".to_owned())));
        assert_eq!(fault(&[("a.wgsl", "x\n#ifdef QUADS\n#else\n")]), in_a(2, Fault::Unclosed));
        assert_eq!(fault(&[("a.wgsl", "#ifdef QUADS\n#endif QUADS")]), in_a(2, Fault::Trailing("QUADS".to_owned())));
        assert_eq!(fault(&[("a.wgsl", "#import b.wgsl")]), in_a(1, Fault::Missing("b.wgsl".to_owned())));
        let lib = |text: &'static str| -> Tree {
            Box::leak(Box::new([("a.wgsl", text), ("b.wgsl", "\n#section x\n1\n#section x")]))
        };
        // A defect of the file comes before one of what is asked of it.
        let same = Fault::SameSection { section: "x".to_owned(), line: 2 };
        assert_eq!(fault(lib("#import b.wgsl:y")), ("b.wgsl".to_owned(), 4, same));
        let unknown = Fault::UnknownSection { file: "b.wgsl".to_owned(), section: "x".to_owned(), known: Vec::new() };
        // In a branch that isn't taken, too.
        let of_none: Tree = &[("a.wgsl", "#ifndef QUADS\n#import b.wgsl:x\n#endif"), ("b.wgsl", "1")];
        assert_eq!(fault(of_none), in_a(2, unknown));
        assert_eq!(fault(&[("a.wgsl", "#import a.wgsl")]), in_a(1, Fault::Circle("a.wgsl".to_owned())));
        let in_b: Tree = &[("a.wgsl", "#import b.wgsl\n#endif"), ("b.wgsl", "#ifdef QUADS")];
        assert_eq!(fault(in_b), ("b.wgsl".to_owned(), 1, Fault::Unclosed));
        for text in [
            "x: f32",
            "@binding(1) x",
            "@binding(1) x: f16",
            "@binding(a) x: f32",
            "@binding(1) x y: f32",
            "@binding(1) : f32",
        ] {
            let tree: Tree =
                Box::leak(Box::new([("a.wgsl", &*Box::leak(format!("#operand {text}").into_boxed_str()))]));
            assert_eq!(fault(tree), in_a(1, Fault::Operand(text.to_owned())));
        }
        let shown = Misplaced { place: Place { file: "lib/a.wgsl", line: 7 }, fault: Fault::Unclosed }.to_string();
        assert_eq!(shown, "shaders/lib/a.wgsl:7: this has no #endif or #end in its file or section");
    }
}
