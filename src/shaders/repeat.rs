//! The `#for` directive: lines that are written out once for each value of a counter, for tiles whose parts must be variables of their own.
//!
//! ```text
//! #for i in THREAD_M/4
//!     let a{i} = tile_a[at + {i}u];
//! #end
//! ```
//!
//! The counter runs from 0 to the count, without it; `{i}` in the lines becomes its value. A count is put together with `*`, `/` and `-`, from left
//! to right, of numbers and of constants that the variant sets or the source declares in this way (`const QUADS: u32 = THREAD_M / 4u;`). Loops
//! may be nested; one that runs once or not at all is a condition.

use super::expanded::{Expanded, Place};
use super::fault::{Fault, Misplaced};

/// Values of constants by name.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<u32>;

/// Writes out all loops.
pub(super) fn unroll(source: &Expanded, lookup: Lookup<'_>) -> Result<Expanded, Misplaced> {
    let lines: Vec<(&str, Place)> =
        source.text().lines().enumerate().filter_map(|(i, line)| Some((line, source.place(i + 1)?))).collect();
    let mut out = Expanded::default();
    write(&lines, &[], lookup, &mut out)?;
    Ok(out)
}

/// Lines with the counters around them.
fn write(
    lines: &[(&str, Place)],
    counters: &[(&str, u32)],
    lookup: Lookup<'_>,
    out: &mut Expanded,
) -> Result<(), Misplaced> {
    let mut at = 0;
    while let Some(&(line, place)) = lines.get(at) {
        at += 1;
        let Some(head) = directive(line, "#for") else {
            if directive(line, "#end").is_some() {
                return Err(Misplaced { place, fault: Fault::Unopened("#end".to_owned()) });
            }
            out.push(&substituted(line, counters), place);
            continue;
        };
        let fault = |fault| Misplaced { place, fault };
        let malformed = || fault(Fault::Loop(head.to_owned()));
        let (name, count) = head.split_once(" in ").ok_or_else(malformed)?;
        let count = value(count.trim(), lookup).ok_or_else(malformed)?;
        let length = body(&lines[at..]).ok_or_else(|| fault(Fault::Unclosed))?;
        for i in 0..count {
            let mut inner = counters.to_vec();
            inner.push((name.trim(), i));
            write(&lines[at..at + length], &inner, lookup, out)?;
        }
        at += length + 1;
    }
    Ok(())
}

/// What stands behind a directive.
fn directive<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(rest.trim())
}

/// Lines before the `#end` of a loop whose head has been read.
fn body(lines: &[(&str, Place)]) -> Option<usize> {
    let mut depth = 0;
    for (i, (line, _)) in lines.iter().enumerate() {
        if directive(line, "#for").is_some() {
            depth += 1;
        } else if directive(line, "#end").is_some() {
            if depth == 0 {
                return Some(i);
            }
            depth -= 1;
        }
    }
    None
}

fn substituted(line: &str, counters: &[(&str, u32)]) -> String {
    counters.iter().fold(line.to_owned(), |line, (name, i)| line.replace(&format!("{{{name}}}"), &i.to_string()))
}

/// The value of a count, from left to right.
pub(super) fn value(text: &str, lookup: Lookup<'_>) -> Option<u32> {
    let factor = |text: &str| text.trim().trim_end_matches('u').parse().ok().or_else(|| lookup(text.trim()));
    let mut rest = text;
    let mut total: Option<(u32, char)> = None;
    loop {
        let end = rest.find(['*', '/', '-']).unwrap_or(rest.len());
        let next = factor(&rest[..end])?;
        let so_far = match total {
            None => next,
            Some((left, '*')) => left.checked_mul(next)?,
            Some((left, '/')) => left.checked_div(next)?,
            Some((left, _)) => left.checked_sub(next)?,
        };
        let Some(operator) = rest[end..].chars().next() else { return Some(so_far) };
        (total, rest) = (Some((so_far, operator)), &rest[end + 1..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unrolled(text: &str) -> Result<String, (u32, Fault)> {
        let mut source = Expanded::default();
        for (line, number) in text.lines().zip(1..) {
            source.push(line, Place { file: "a.wgsl", line: number });
        }
        let lookup = |name: &str| (name == "SIX").then_some(6);
        match unroll(&source, &lookup) {
            Ok(all) => Ok(all.text().to_owned()),
            Err(Misplaced { place, fault }) => Err((place.line, fault)),
        }
    }

    #[test]
    fn loops_are_written_out() {
        assert_eq!(unrolled("a\n#for i in 2\nb{i}{j}\n#end\nc").unwrap(), "a\nb0{j}\nb1{j}\nc\n");
        let nested = "#for i in SIX/3\n  #for e in 1*SIX/3\nc{i}_{e}\n  #end\nd{i}\n#end";
        assert_eq!(unrolled(nested).unwrap(), "c0_0\nc0_1\nd0\nc1_0\nc1_1\nd1\n");
        assert_eq!(unrolled("#for i in 0\nx\n#end\n#for i in 1/2\ny\n#end").unwrap(), "");
        assert_eq!(unrolled("#for i in 7-SIX\nx\n#end\n#for i in SIX-2-4\ny\n#end").unwrap(), "x\n");
    }

    #[test]
    fn what_is_wrong_with_a_loop_is_said_with_its_line() {
        let wrong = |text: &str| Fault::Loop(text.to_owned());
        assert_eq!(unrolled("\n#for i in X\n#end").unwrap_err(), (2, wrong("i in X")));
        assert_eq!(unrolled("#for i\n#end").unwrap_err(), (1, wrong("i")));
        assert_eq!(unrolled("#for i in 1/0\n#end").unwrap_err(), (1, wrong("i in 1/0")));
        assert_eq!(unrolled("#for i in 5-SIX\n#end").unwrap_err(), (1, wrong("i in 5-SIX")));
        assert_eq!(unrolled("#for i in 2\n#for j in 2\n#end").unwrap_err(), (1, Fault::Unclosed));
        assert_eq!(unrolled("a\n#end").unwrap_err(), (2, Fault::Unopened("#end".to_owned())));
    }

    #[test]
    fn written_lines_keep_their_places() {
        let mut source = Expanded::default();
        for (line, number) in ["#for i in 2", "x{i}", "#end", "y"].into_iter().zip(1..) {
            source.push(line, Place { file: "a.wgsl", line: number });
        }
        let all = unroll(&source, &|_| None).unwrap();
        let places: Vec<u32> = (1..=3).map(|n| all.place(n).unwrap().line).collect();
        assert_eq!(places, [2, 2, 4]);
    }
}
