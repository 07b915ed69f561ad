//! The header of a `.npy` file, versions 1 to 3: a magic number, the length of a text, and the text, a Python dict such as
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.

use crate::data::DataError;
use crate::data::file::Reader;
use crate::data::scalar::{Class, Scalar};

/// Bytes that the text may have; NumPy writes about 120.
const MOST: usize = 1 << 16;

/// Type and shape, once the reader stands behind the header.
///
/// # Errors
/// Anything but a header of a plain array in C order, as a message.
pub(super) fn read(reader: &mut Reader) -> Result<Result<(Scalar, Vec<usize>), String>, DataError> {
    let head = reader.take(8)?;
    let Some((b"\x93NUMPY", [major, _minor])) = head.split_first_chunk::<6>() else {
        return Ok(Err("expected a .npy file (NUMPY and a version)".to_owned()));
    };
    let width = match major {
        1 => 2,
        2 | 3 => 4,
        other => return Ok(Err(format!("version {other} of the .npy format, expected 1 to 3"))),
    };
    let length = reader.take(width)?;
    if length.len() < width {
        return Ok(Err("it ends within its header".to_owned()));
    }
    let length = length.iter().rev().fold(0usize, |n, &byte| n << 8 | usize::from(byte));
    if length > MOST {
        return Ok(Err(format!("a header of {length} bytes, expected at most {MOST}")));
    }
    let text = reader.take(length)?;
    if text.len() < length {
        return Ok(Err("it ends within its header".to_owned()));
    }
    Ok(parse(&String::from_utf8_lossy(&text)))
}

/// The header's text.
fn parse(text: &str) -> Result<(Scalar, Vec<usize>), String> {
    let (mut scalar, mut shape, mut c_order) = (None, None, None);
    let mut rest = text.trim().strip_prefix('{').ok_or("its header is no dict")?;
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            if !end.trim().is_empty() {
                return Err("other text behind its header's dict".to_owned());
            }
            break;
        }
        let (key, after) = quoted(rest)?;
        let after = after.trim_start().strip_prefix(':').ok_or("its header has a key without a value")?.trim_start();
        rest = match key {
            "descr" => {
                if after.starts_with('[') {
                    return Err("an array of records, expected plain numbers".to_owned());
                }
                let (descr, after) = quoted(after)?;
                scalar = Some(of_descr(descr)?);
                after
            }
            "fortran_order" => match (after.strip_prefix("False"), after.strip_prefix("True")) {
                (Some(after), _) => {
                    c_order = Some(true);
                    after
                }
                (_, Some(after)) => {
                    c_order = Some(false);
                    after
                }
                _ => return Err("its header's fortran_order is neither True nor False".to_owned()),
            },
            "shape" => {
                let (dims, after) = after
                    .strip_prefix('(')
                    .and_then(|dims| dims.split_once(')'))
                    .ok_or("its header's shape is no tuple")?;
                shape = Some(of_tuple(dims)?);
                after
            }
            other => return Err(format!("its header has an unknown key `{}`", other.escape_debug())),
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    let missing = |key: &str| format!("its header has no {key}");
    let (scalar, shape) = (scalar.ok_or_else(|| missing("descr"))?, shape.ok_or_else(|| missing("shape"))?);
    match c_order.ok_or_else(|| missing("fortran_order"))? {
        true => Ok((scalar, shape)),
        // The order of an array of one dimension is the same either way.
        false if shape.len() < 2 => Ok((scalar, shape)),
        false => Err("it lies in Fortran order, expected C order: save np.ascontiguousarray(x)".to_owned()),
    }
}

/// A string in single or double quotes, and what stands behind it.
fn quoted(text: &str) -> Result<(&str, &str), String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"')).ok_or("its header has a key without quotes")?;
    text[1..].split_once(quote).ok_or_else(|| "its header has a string without an end".to_owned())
}

fn of_tuple(dims: &str) -> Result<Vec<usize>, String> {
    let dims = dims.trim();
    let dims = dims.strip_suffix(',').unwrap_or(dims);
    if dims.is_empty() {
        return Ok(Vec::new());
    }
    // Python 2 wrote long integers with an L.
    let parse = |dim: &str| dim.trim().trim_end_matches('L').parse().ok();
    let shape: Option<Vec<usize>> = dims.split(',').take(33).map(parse).collect();
    shape
        .filter(|s| s.len() <= 32)
        .ok_or_else(|| "its header's shape has other parts than at most 32 counts".to_owned())
}

fn of_descr(descr: &str) -> Result<Scalar, String> {
    let unknown = || {
        let (short, dots) = descr.char_indices().nth(20).map_or((descr, ""), |(end, _)| (&descr[..end], "..."));
        format!("type `{}{dots}`, expected whole numbers or floats of up to 64 bits", short.escape_debug())
    };
    let mut letters = descr.chars();
    let big_endian = match letters.next() {
        Some('<' | '|' | '=') => false,
        Some('>') => true,
        _ => return Err(unknown()),
    };
    let (class, sizes): (_, &[usize]) = match letters.next() {
        Some('u') => (Class::Unsigned, &[1, 2, 4, 8]),
        Some('i') => (Class::Signed, &[1, 2, 4, 8]),
        Some('f') => (Class::Float, &[2, 4, 8]),
        _ => return Err(unknown()),
    };
    let bytes = letters.as_str().parse().ok().filter(|bytes| sizes.contains(bytes)).ok_or_else(unknown)?;
    Ok(Scalar { class, bytes, big_endian })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_numpy_writes_them() {
        let scalar = |class, bytes, big_endian| Scalar { class, bytes, big_endian };
        for (text, expected) in [
            (
                "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }      \n",
                (scalar(Class::Unsigned, 1, false), vec![3, 4]),
            ),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", (scalar(Class::Float, 4, false), vec![3])),
            ("{'shape': (), 'fortran_order': True, 'descr': '>i8'}", (scalar(Class::Signed, 8, true), vec![])),
            (
                "{\"descr\": \"<f2\", \"fortran_order\": False, \"shape\": (3L, 4L)}",
                (scalar(Class::Float, 2, false), vec![3, 4]),
            ),
            ("{'descr': '<i4', 'fortran_order': True, 'shape': (7,), }", (scalar(Class::Signed, 4, false), vec![7])),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn other_headers_are_refused() {
        for (text, part) in [
            ("", "no dict"),
            ("{'descr': '|u1', 'fortran_order': True, 'shape': (3, 4), }", "np.ascontiguousarray"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", "an array of records"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "type `|O`, expected"),
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", "type `<c8`"),
            ("{'descr': '<f16', 'fortran_order': False, 'shape': (3,), }", "type `<f16`"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", "at most 32 counts"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3", "no tuple"),
            ("{'descr': '<f4', 'shape': (3,), }", "no fortran_order"),
            ("{'descr': '<f4', 'é': 1}", "unknown key `é`"),
            ("{'descr': 'é", "without an end"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } x", "behind"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
