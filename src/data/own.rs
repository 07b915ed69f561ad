//! Sets of one's own: what their readers give, and the normalisation that follows from their training samples.

use super::{DataError, Dataset, Normalisation, Samples, Values};
use crate::config::{DataConfig, NormalisationName};

/// A set as read: floats are not normalised yet.
#[derive(Debug)]
pub(super) struct Own {
    /// `[c, h, w]`.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: u32,
    pub train: Samples,
    pub test: Samples,
    /// Where the set has no split of its own: indices of the test samples in the original file.
    pub test_indices: Option<Vec<u32>>,
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
        let Self { shape, classes, mut train, mut test, test_indices } = self;
        let name = config.name.name().to_owned();
        for (part, called) in [(&train, "training"), (&test, "test")] {
            if part.is_empty() {
                return Err(DataError::NoSamples { name, part: called });
            }
        }
        let divisor = if matches!(train.values, Values::Bytes(_)) { 255.0 } else { 1.0 };
        let auto = config.mean.is_empty() && config.normalisation == NormalisationName::Auto;
        let normalisation = if auto {
            let (mean, std) = moments(&train, shape[0], divisor);
            // A channel of one value would divide by 0.
            let std = std.into_iter().map(|s| if s > 0.0 { s } else { 1.0 }).collect();
            Normalisation { divisor, mean, std }
        } else {
            Normalisation::choose(config, divisor, shape[0], NormalisationName::None)?
        };
        for part in [&mut train, &mut test] {
            normalise(&mut part.values, shape, &normalisation);
        }
        Ok(Dataset { name, shape, classes, train, test, normalisation, test_indices })
    }
}

/// `(value - mean) / std` of floats; bytes stay what they are.
fn normalise(values: &mut Values, [_, h, w]: [usize; 3], by: &Normalisation) {
    let Values::Floats(values) = values else { return };
    let channels = by.mean.iter().zip(&by.std);
    for (channel, (mean, std)) in values.chunks_exact_mut((h * w).max(1)).zip(channels.cycle()) {
        channel.iter_mut().for_each(|value| *value = (*value - mean) / std);
    }
}

/// Mean and standard deviation of each channel of samples as they are, bytes divided by `divisor`; in f64, in order of the samples, which
/// bytes don't even depend on.
pub(super) fn moments(samples: &Samples, channels: usize, divisor: f32) -> (Vec<f32>, Vec<f32>) {
    let spatial = (samples.area() / channels.max(1)).max(1);
    let count = (samples.len() * spatial).max(1) as f64;
    let pieces = |place: usize| (0..samples.len()).map(move |i| i * channels + place);
    let of_channel = |channel: usize| match &samples.values {
        Values::Bytes(bytes) => {
            let mut counts = [0u64; 256];
            for piece in pieces(channel) {
                bytes[piece * spatial..][..spatial].iter().for_each(|&b| counts[usize::from(b)] += 1);
            }
            let sum = |of: &dyn Fn(f64) -> f64| {
                (0..=u8::MAX).zip(counts).map(|(b, n)| n as f64 * of(f64::from(b))).sum::<f64>()
            };
            let mean = sum(&|b| b) / count;
            let square = sum(&|b| (b - mean) * (b - mean)) / count;
            (mean / f64::from(divisor), square.sqrt() / f64::from(divisor))
        }
        Values::Floats(floats) => {
            let all = || pieces(channel).flat_map(|piece| &floats[piece * spatial..][..spatial]).map(|&v| f64::from(v));
            let mean = all().sum::<f64>() / count;
            (mean, (all().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt())
        }
    };
    (0..channels).map(of_channel).map(|(mean, std)| (mean as f32, std as f32)).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::config;

    fn own(train: Values, test: Values, shape: [usize; 3]) -> Own {
        let area = shape.iter().product::<usize>();
        let samples = |values: Values| {
            let n = values.len() / area;
            Samples::of(values, vec![0; n], area)
        };
        Own { shape, classes: 1, train: samples(train), test: samples(test), test_indices: None }
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_training_part() {
        let auto = config("data.name=npz\ndata.path=x");
        // Two channels of two values: 0, 2, 4, 6 and 1, 1, 1, 1.
        let train = Values::Floats(vec![0.0, 2.0, 1.0, 1.0, 4.0, 6.0, 1.0, 1.0]);
        let set = own(train, Values::Floats(vec![3.0, 3.0, 5.0, 0.0]), [2, 1, 2]).dataset(&auto).unwrap();
        let n = &set.normalisation;
        assert_eq!((n.divisor, &n.mean[..], &n.std[..]), (1.0, &[3.0, 1.0][..], &[5f32.sqrt(), 1.0][..]));
        assert_eq!(set.test.values, Values::Floats(vec![0.0, 0.0, 4.0, -1.0]));
        let bytes = own(Values::Bytes(vec![0, 255]), Values::Bytes(vec![51]), [1, 1, 1]).dataset(&auto).unwrap();
        assert_eq!((bytes.normalisation.mean[0], bytes.normalisation.std[0]), (0.5, 0.5));
        assert_eq!(bytes.test.values, Values::Bytes(vec![51]));
        assert_eq!(bytes.inputs(&bytes.test, &[0]), [(0.2 - 0.5) / 0.5]);
    }

    #[test]
    fn numbers_that_are_given_come_first() {
        let given = config("data.name=npz\ndata.path=x\ndata.mean=[1.0]\ndata.std=[2.0]");
        let set = |config| own(Values::Floats(vec![0.0, 4.0]), Values::Floats(vec![5.0]), [1, 1, 1]).dataset(config);
        assert_eq!(set(&given).unwrap().test.values, Values::Floats(vec![2.0]));
        let none = config("data.name=npz\ndata.path=x\ndata.normalisation=none");
        assert_eq!(set(&none).unwrap().test.values, Values::Floats(vec![5.0]));
        let empty = own(Values::Floats(vec![1.0]), Values::Floats(vec![]), [1, 1, 1]).dataset(&none);
        assert_eq!(empty.unwrap_err().to_string(), "npz: no test samples");
    }
}
