//! The embedded digits (see `digits-LICENSE.md`): lines of 64 pixels, 0 to 16, and a label.

use super::file::Reader;
use super::{DataError, Part, Values};
use std::path::Path;

static FILE: &[u8] = include_bytes!("digits.csv.gz");
const NAME: &str = "digits.csv.gz (embedded)";
/// Pixels of a sample.
pub(super) const PIXELS: usize = 64;
/// Largest pixel value.
pub(super) const WHITE: u8 = 16;
/// Number of classes.
pub(super) const CLASSES: u32 = 10;

/// All samples in file order.
pub(super) fn read() -> Result<Part, DataError> {
    let bytes = Reader::of(Path::new(NAME), FILE, FILE.len() as u64, FILE).take(1 << 20)?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Result<Part, DataError> {
    let (mut all, mut labels) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let error = |message: String| DataError::Line { path: NAME.into(), line: index + 1, message };
        let fields: Vec<u8> = line
            .split(',')
            .map(|field| field.trim().parse().map_err(|_| error(format!("`{field}` is no integer from 0 to 255"))))
            .collect::<Result<_, _>>()?;
        let [pixels @ .., label] = fields.as_slice() else {
            return Err(error("empty line".to_owned()));
        };
        if pixels.len() != PIXELS {
            return Err(error(format!("{} fields, expected {}", fields.len(), PIXELS + 1)));
        }
        if let Some(pixel) = pixels.iter().find(|&&p| p > WHITE) {
            return Err(error(format!("pixel {pixel}, expected 0 to {WHITE}")));
        }
        if u32::from(*label) >= CLASSES {
            return Err(error(format!("label {label}, expected 0 to {}", CLASSES - 1)));
        }
        all.extend_from_slice(pixels);
        labels.push(u32::from(*label));
    }
    Ok(Part::of(Values::Bytes(all), labels, PIXELS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_is_whole() {
        let samples = read().unwrap();
        assert_eq!(samples.len(), 1797);
        // The first line of the file.
        assert_eq!(&samples.image(0)[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!((samples.labels[0], samples.labels[1]), (0, 1));
        // load_digits: class counts of the UCI set's test part.
        assert_eq!(samples.histogram(10), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn bad_lines_are_named() {
        let good = ["1"; 65].join(",");
        let message = |line: &str| parse(&format!("{good}\n{line}")).unwrap_err().to_string();
        assert_eq!(message("1,2"), format!("{NAME}: line 2: 2 fields, expected 65"));
        assert_eq!(message("x"), format!("{NAME}: line 2: `x` is no integer from 0 to 255"));
        assert_eq!(message(&good.replacen('1', "17", 1)), format!("{NAME}: line 2: pixel 17, expected 0 to 16"));
        assert_eq!(
            message(&format!("{}10", &good[..good.len() - 1])),
            format!("{NAME}: line 2: label 10, expected 0 to 9")
        );
    }
}
