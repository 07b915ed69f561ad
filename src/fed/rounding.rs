//! What f32 leaves of differences of losses.

use super::experiment::Experiment;
use super::metrics::RoundMetrics;

/// Differences of so many probes at least are looked at together.
const POOLED: f64 = 32.0;

/// Whether loss differences are mostly rounding.
///
/// A sample's loss is the end of a dozen roundings of about its own size (of logits, exponentials and their sum), each with a deviation of
/// `u / sqrt(12)`, u being the distance from it to the next f32: together about u. So the difference of two means over n samples is rounded
/// by about `sqrt(2 / n) u`. It is mostly rounding where that is more than half of its mean square. Deep models round more; the
/// estimate is good to a factor of about two in small ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Noise {
    /// Mean over the clients of 1 / n, n being the samples of a probe.
    inverse: f64,
    /// Over the probes since they were last looked at: their number, the sum of the squares of dl, and of those that are rounding.
    probes: f64,
    squares: f64,
    rounding: f64,
    told: bool,
}

impl Noise {
    /// Of an experiment's probes.
    pub fn of(experiment: &Experiment) -> Self {
        let zo = &experiment.config.zo;
        let samples = |n: usize| match zo.batch {
            0 => (n as f64 / f64::from(zo.local_steps)).max(1.0),
            batch => f64::from(batch).min(n as f64),
        };
        let holding = experiment.split.clients.iter().filter(|c| !c.is_empty());
        let (sum, count) = holding.fold((0.0, 0.0), |(sum, n), c| (sum + 1.0 / samples(c.len()), n + 1.0));
        Self { inverse: sum / f64::max(count, 1.0), ..Self::default() }
    }

    /// Adds a round's probes; once there are enough, whether they are mostly rounding: their root mean square, and that of rounding.
    pub fn follow(&mut self, line: &RoundMetrics) -> Option<(f64, f64)> {
        let (Some(rms), Some(loss)) = (line.dl_rms, line.train_loss) else { return None };
        let probes = f64::from(line.probes.unwrap_or(0).saturating_sub(line.dropped.unwrap_or(0)));
        // Zeros are told of their own.
        if self.told || line.dl_zero.unwrap_or(0.0) > 0.5 {
            return None;
        }
        self.probes += probes;
        self.squares += probes * rms * rms;
        self.rounding += probes * 2.0 * self.inverse * spacing(loss).powi(2);
        if self.probes < POOLED {
            return None;
        }
        let (squares, rounding) = (self.squares / self.probes, self.rounding / self.probes);
        (self.probes, self.squares, self.rounding) = (0.0, 0.0, 0.0);
        self.told = rounding > squares / 2.0;
        self.told.then(|| (squares.sqrt(), rounding.sqrt()))
    }
}

/// Distance from an f32 of this magnitude to the next.
pub fn spacing(x: f64) -> f64 {
    let magnitude = (x.abs() as f32).max(f32::MIN_POSITIVE);
    f64::from(f32::from_bits(magnitude.to_bits() & 0x7f80_0000)) * f64::from(f32::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::super::metrics::Phase;
    use super::*;

    #[test]
    fn spacings_are_those_of_f32() {
        for x in [1.0f32, 1.5, 0.1, 3e-5, 1e10] {
            assert_eq!(spacing(f64::from(-x)), f64::from(f32::from_bits(x.to_bits() + 1)) - f64::from(x));
        }
    }

    #[test]
    fn differences_near_the_rounding_of_losses_are_told_once() {
        // 50 samples a client and a loss of 1 to 2: 2.4e-8 of rounding, and half of the square at 3.4e-8.
        let noise = || Noise { inverse: 1.0 / 50.0, ..Noise::default() };
        let round = |probes, rms| {
            let mut line = RoundMetrics::new(0, Phase::Zo, 1.5, 2);
            line.set_probes(probes, rms, 0.0, 0);
            line
        };
        let mut clear = noise();
        assert!((0..20).all(|_| clear.follow(&round(40, 3.5e-8)).is_none()));
        let mut noisy = noise();
        assert!((0..3).all(|_| noisy.follow(&round(10, 3.2e-8)).is_none()), "30 probes");
        let (rms, rounding) = noisy.follow(&round(10, 3.2e-8)).unwrap();
        assert!((rms - 3.2e-8).abs() < 1e-15 && (rounding - 2.384e-8).abs() < 1e-11, "{rms} {rounding}");
        assert!((0..20).all(|_| noisy.follow(&round(40, 1e-9)).is_none()));
        // One client's chance of a small difference is none of 32.
        let mut single = noise();
        assert!((0..31).all(|_| single.follow(&round(1, 1e-12)).is_none()));
        assert!(single.follow(&round(1, 1.0)).is_none());
    }
}
