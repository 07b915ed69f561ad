//! Sets of one's own: what their readers give, and the normalisation that follows from their training samples.

use super::names::Clients;
use super::part::Rows;
use super::{DataError, Dataset, Normalisation, Part};
use crate::config::{DataConfig, NormalisationName};

/// A set as read: floats are not normalised yet.
#[derive(Debug)]
pub(super) struct Own {
    /// `[c, h, w]`.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: u32,
    pub train: Part,
    pub test: Part,
    /// Where the set has no split of its own: indices of the test samples in the original file.
    pub test_indices: Option<Vec<u32>>,
    /// Which client each training sample is of, where the data say so.
    pub clients: Option<Clients>,
}

/// Whether sample `index` of a set without a test part is a test sample: every fifth.
pub(super) fn is_test(index: usize) -> bool {
    index % 5 == 4
}

impl Own {
    /// The set, normalised by what the config says, else by mean and deviation of its training samples.
    ///
    /// # Errors
    /// A part without samples; numbers that don't fit the channels.
    pub fn dataset(self, config: &DataConfig) -> Result<Dataset, DataError> {
        let Self { shape, classes, mut train, mut test, test_indices, clients } = self;
        let name = config.name.name().to_owned();
        let shape = shaped(shape, &config.shape).map_err(|message| DataError::Shape { name: name.clone(), message })?;
        for (part, called) in [(&train, "training"), (&test, "test")] {
            if part.is_empty() {
                return Err(DataError::NoSamples { name, part: called });
            }
        }
        let divisor = if train.is_float() { 1.0 } else { 255.0 };
        let auto = config.mean.is_empty() && config.normalisation == NormalisationName::Auto;
        let normalisation = if auto {
            let (mean, std) = moments(&train, shape[0], divisor)?;
            // A channel of one value would divide by 0.
            let std = std.into_iter().map(|s| if s > 0.0 { s } else { 1.0 }).collect();
            Normalisation { divisor, mean, std }
        } else {
            Normalisation::choose(config, divisor, shape[0], NormalisationName::None)?
        };
        for part in [&mut train, &mut test] {
            part.normalise(&normalisation);
        }
        Ok(Dataset { name, shape, classes, train, test, normalisation, test_indices, clients })
    }
}

/// The shape of samples that are rows of numbers, as the config gives it.
fn shaped(found: [usize; 3], given: &[u32]) -> Result<[usize; 3], String> {
    let shape = match *given {
        [h, w] => [1, h as usize, w as usize],
        [c, h, w] => [c as usize, h as usize, w as usize],
        _ => return Ok(found),
    };
    let [values, ..] = found;
    match (found, shape.iter().product::<usize>()) {
        ([_, 1, 1], product) if product == values => Ok(shape),
        ([_, 1, 1], product) => {
            Err(format!("data.shape = {given:?}: {product} values, expected {values} as a row of them has"))
        }
        _ => Err(format!("data.shape = {given:?}: expected []: samples have the shape {found:?} already")),
    }
}

/// Bytes of samples that are looked at at once.
const BLOCK: usize = 4 << 20;

/// Mean and standard deviation of each channel of samples as they are, bytes divided by `divisor`; in f64, in order of the samples, which
/// bytes don't even depend on.
///
/// # Errors
/// Samples that can't be read.
pub(super) fn moments(samples: &Part, channels: usize, divisor: f32) -> Result<(Vec<f32>, Vec<f32>), DataError> {
    let spatial = (samples.area() / channels.max(1)).max(1);
    let count = (samples.len() * spatial).max(1) as f64;
    let (mean, square) = if samples.is_float() {
        let mean = of_floats(samples, channels, spatial, |_, v| v)?.into_iter().map(|s| s / count).collect::<Vec<_>>();
        let square = of_floats(samples, channels, spatial, |channel, v| (v - mean[channel]) * (v - mean[channel]))?;
        (mean, square)
    } else {
        of_bytes(samples, channels, spatial, count)?
    };
    let of_channel = |(mean, square): (&f64, &f64)| {
        let std = (square / count).sqrt();
        if samples.is_float() {
            (*mean as f32, std as f32)
        } else {
            ((mean / f64::from(divisor)) as f32, (std / f64::from(divisor)) as f32)
        }
    };
    Ok(mean.iter().zip(&square).map(of_channel).unzip())
}

/// The sum over each channel of what `of` makes of a value.
fn of_floats(
    samples: &Part,
    channels: usize,
    spatial: usize,
    of: impl Fn(usize, f64) -> f64,
) -> Result<Vec<f64>, DataError> {
    // What a sum of no f64 is.
    let mut sums = vec![-0.0; channels];
    for block in samples.blocks(BLOCK) {
        let Rows::Floats(values) = block? else { continue };
        for (piece, channel) in values.chunks_exact(spatial).zip((0..channels).cycle()) {
            sums[channel] = piece.iter().fold(sums[channel], |sum, &v| sum + of(channel, f64::from(v)));
        }
    }
    Ok(sums)
}

/// Mean and sum of squared deviations of each channel, of bytes: in whole numbers until all are counted.
fn of_bytes(samples: &Part, channels: usize, spatial: usize, count: f64) -> Result<(Vec<f64>, Vec<f64>), DataError> {
    let mut counts = vec![[0u64; 256]; channels];
    for block in samples.blocks(BLOCK) {
        let Rows::Bytes(values) = block? else { continue };
        for (piece, channel) in values.chunks_exact(spatial).zip((0..channels).cycle()) {
            piece.iter().for_each(|&b| counts[channel][usize::from(b)] += 1);
        }
    }
    let sum = |counts: &[u64; 256], of: &dyn Fn(f64) -> f64| {
        (0..=u8::MAX).zip(counts).map(|(b, &n)| n as f64 * of(f64::from(b))).sum::<f64>()
    };
    let of_channel = |counts: &[u64; 256]| {
        let mean = sum(counts, &|b| b) / count;
        (mean, sum(counts, &|b| (b - mean) * (b - mean)))
    };
    Ok(counts.iter().map(of_channel).unzip())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;
    use crate::data::tests::config;

    fn own(train: Values, test: Values, shape: [usize; 3]) -> Own {
        let area = shape.iter().product::<usize>();
        let samples = |values: Values| {
            let n = values.len() / area;
            Part::of(values, vec![0; n], area)
        };
        Own { shape, classes: 1, train: samples(train), test: samples(test), test_indices: None, clients: None }
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_training_part() {
        let auto = config("data.name=npz\ndata.path=x");
        // Two channels of two values: 0, 2, 4, 6 and 1, 1, 1, 1.
        let train = Values::Floats(vec![0.0, 2.0, 1.0, 1.0, 4.0, 6.0, 1.0, 1.0]);
        let set = own(train, Values::Floats(vec![3.0, 3.0, 5.0, 0.0]), [2, 1, 2]).dataset(&auto).unwrap();
        let n = &set.normalisation;
        assert_eq!((n.divisor, &n.mean[..], &n.std[..]), (1.0, &[3.0, 1.0][..], &[5f32.sqrt(), 1.0][..]));
        assert_eq!(set.test.held(), Some(&Values::Floats(vec![0.0, 0.0, 4.0, -1.0])));
        let bytes = own(Values::Bytes(vec![0, 255]), Values::Bytes(vec![51]), [1, 1, 1]).dataset(&auto).unwrap();
        assert_eq!((bytes.normalisation.mean[0], bytes.normalisation.std[0]), (0.5, 0.5));
        assert_eq!(bytes.test.held(), Some(&Values::Bytes(vec![51])));
        assert_eq!(bytes.inputs(&bytes.test, &[0]).unwrap(), [(0.2 - 0.5) / 0.5]);
    }

    #[test]
    fn numbers_that_are_given_come_first() {
        let given = config("data.name=npz\ndata.path=x\ndata.mean=[1.0]\ndata.std=[2.0]");
        let set = |config| own(Values::Floats(vec![0.0, 4.0]), Values::Floats(vec![5.0]), [1, 1, 1]).dataset(config);
        assert_eq!(set(&given).unwrap().test.held(), Some(&Values::Floats(vec![2.0])));
        let none = config("data.name=npz\ndata.path=x\ndata.normalisation=none");
        assert_eq!(set(&none).unwrap().test.held(), Some(&Values::Floats(vec![5.0])));
        let empty = own(Values::Floats(vec![1.0]), Values::Floats(vec![]), [1, 1, 1]).dataset(&none);
        assert_eq!(empty.unwrap_err().to_string(), "npz: no test samples");
    }

    #[test]
    fn rows_of_numbers_take_the_shape_that_is_given() {
        let given = |shape: &str| config(&format!("data.name=npz\ndata.path=x\ndata.shape={shape}"));
        let of = |shape: &str, found| {
            own(Values::Floats(vec![1.0; 24]), Values::Floats(vec![1.0; 12]), found).dataset(&given(shape))
        };
        assert_eq!(of("[3,4]", [12, 1, 1]).unwrap().shape, [1, 3, 4]);
        let coloured = of("[3,2,2]", [12, 1, 1]).unwrap();
        assert_eq!((coloured.shape, coloured.normalisation.mean.len()), ([3, 2, 2], 3));
        assert_eq!(of("[]", [12, 1, 1]).unwrap().shape, [12, 1, 1]);
        let message = |shape: &str, found| of(shape, found).unwrap_err().to_string();
        let expected = "npz: data.shape = [3, 5]: 15 values, expected 12 as a row of them has";
        assert_eq!(message("[3,5]", [12, 1, 1]), expected);
        let expected = "npz: data.shape = [3, 4]: expected []: samples have the shape [3, 2, 2] already";
        assert_eq!(message("[3,4]", [3, 2, 2]), expected);
    }
}
