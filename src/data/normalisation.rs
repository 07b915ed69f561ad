//! From bytes to the values that a model sees.

use super::DataError;
use crate::config::{DataConfig, NormalisationName};

/// `value = (byte / divisor - mean[channel]) / std[channel]`, each operation in f32, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// What bytes are divided by to give 0..1.
    pub divisor: f32,
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub std: Vec<f32>,
}

impl Normalisation {
    /// The config's own numbers, else those of the name it gives, else `usual` (for `auto`).
    pub(super) fn choose(
        config: &DataConfig,
        divisor: f32,
        channels: usize,
        usual: NormalisationName,
    ) -> Result<Self, DataError> {
        let name = config.name.name().to_owned();
        if !config.mean.is_empty() {
            let (mean, std) = (narrow(&config.mean), narrow(&config.std));
            let found = if mean.len() == channels { std.len() } else { mean.len() };
            return if found == channels {
                Ok(Self { divisor, mean, std })
            } else {
                Err(DataError::Channels { found, channels, name })
            };
        }
        let chosen = if config.normalisation == NormalisationName::Auto { usual } else { config.normalisation };
        let (mean, std): (&[f64], &[f64]) = match chosen {
            NormalisationName::Auto | NormalisationName::None => {
                return Ok(Self { divisor, mean: vec![0.0; channels], std: vec![1.0; channels] });
            }
            NormalisationName::Mnist => (&[0.1307], &[0.3081]),
            NormalisationName::Fashion => (&[0.2860], &[0.3530]),
            NormalisationName::Cifar100 => (&[0.5071, 0.4865, 0.4409], &[0.2673, 0.2564, 0.2762]),
            NormalisationName::Cifar10 => (&[0.4914, 0.4822, 0.4465], &[0.2470, 0.2435, 0.2616]),
        };
        if mean.len() != channels {
            return Err(DataError::NamedChannels {
                normalisation: chosen.name().to_owned(),
                found: mean.len(),
                channels,
                name,
            });
        }
        Ok(Self { divisor, mean: narrow(mean), std: narrow(std) })
    }

    /// The value of one byte of a channel.
    pub fn value(&self, byte: u8, channel: usize) -> f32 {
        (f32::from(byte) / self.divisor - self.mean[channel]) / self.std[channel]
    }

    /// Normalises floats, whole samples of `area` values each: `(value - mean[channel]) / std[channel]`.
    pub(super) fn normalise(&self, values: &mut [f32], area: usize) {
        let channels = self.mean.iter().zip(&self.std);
        let spatial = (area / self.mean.len().max(1)).max(1);
        for (channel, (mean, std)) in values.chunks_exact_mut(spatial).zip(channels.cycle()) {
            channel.iter_mut().for_each(|value| *value = (*value - mean) / std);
        }
    }

    /// The values of all bytes, `[channels, 256]`: what the device looks samples up in, since its own division need not be
    /// exactly rounded.
    pub fn table(&self) -> Vec<f32> {
        (0..self.mean.len()).flat_map(|channel| (0..=u8::MAX).map(move |byte| self.value(byte, channel))).collect()
    }

    /// The values of whole samples, `pixels` being `[n, c, h, w]` with `area` = h w.
    pub fn apply(&self, pixels: &[u8], area: usize) -> Vec<f32> {
        let channels = self.mean.len();
        pixels.iter().enumerate().map(|(i, &byte)| self.value(byte, i / area.max(1) % channels)).collect()
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&x| x as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::config;

    #[test]
    fn values_follow_the_formula() {
        let n = Normalisation { divisor: 255.0, mean: vec![0.5, 0.25], std: vec![0.5, 2.0] };
        assert_eq!(n.value(255, 0), 1.0);
        assert_eq!(n.value(0, 1), -0.125);
        assert_eq!(n.apply(&[255, 0, 255, 0, 0, 255], 1), [1.0, -0.125, 1.0, -0.125, -1.0, 0.375]);
        let table = n.table();
        assert_eq!(table.len(), 512);
        assert_eq!(table[256 + 255], n.value(255, 1));
    }

    #[test]
    fn own_numbers_come_first_and_must_fit() {
        let own = config("data.name=idx\ndata.path=x\ndata.normalisation=mnist\ndata.mean=[0.5]\ndata.std=[0.25]");
        let n = Normalisation::choose(&own, 255.0, 1, NormalisationName::Fashion).unwrap();
        assert_eq!((n.mean[0], n.std[0]), (0.5, 0.25));
        let message = Normalisation::choose(&own, 255.0, 3, NormalisationName::Fashion).unwrap_err().to_string();
        assert_eq!(message, "data.mean and data.std: 1 entries, expected 3: one for each channel of idx");
        let named = config("data.name=idx\ndata.path=x\ndata.normalisation=cifar10");
        let message = Normalisation::choose(&named, 255.0, 1, NormalisationName::Fashion).unwrap_err().to_string();
        assert_eq!(message, "data.normalisation = \"cifar10\": 3 channels, expected 1 as idx has");
        let none = config("data.name=idx\ndata.path=x\ndata.normalisation=none");
        assert_eq!(Normalisation::choose(&none, 255.0, 1, NormalisationName::Fashion).unwrap().value(255, 0), 1.0);
    }
}
