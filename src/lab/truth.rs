//! The true gradient, by backprop: of each client's mean loss over its own samples, and of their mean weighted by data size.

use crate::engine::{Engine, EngineError};
use crate::fed::FedError;
use crate::fed::experiment::Experiment;

/// Samples whose gradient is computed at once; the sums of these are added in f64 on the host. Fixed, so that a gradient doesn't depend
/// on the memory.
const ROWS: usize = 512;
/// Gradients of all clients together take no more memory of the host.
const MOST_BYTES: u64 = 16 << 30;

/// Gradients at some weights.
pub struct Truth {
    /// Each client's share of the samples; they add up to 1.
    pub shares: Vec<f64>,
    /// d f32 of each client.
    pub own: Vec<Vec<f32>>,
    /// Square of the length of each.
    pub own_squares: Vec<f64>,
    /// d values: `sum share_k own_k`.
    pub mean: Vec<f64>,
    /// Square of its length.
    pub square: f64,
    /// Mean loss, weighted alike.
    pub loss: f64,
    /// Samples of all clients.
    pub samples: u64,
}

impl Truth {
    /// Computes them for `clients`. `batch_statistics`: batch norms take those of a client's samples, all at once, as in a probe.
    ///
    /// # Errors
    /// Gradients that don't fit the host's memory; a step that doesn't fit the device.
    pub fn compute(
        engine: &mut Engine,
        experiment: &Experiment,
        clients: &[u32],
        batch_statistics: bool,
        mut done: impl FnMut(usize),
    ) -> Result<Self, FedError> {
        let d = experiment.graph.param_count();
        let bytes = 4 * (d as u64).saturating_mul(clients.len() as u64);
        if bytes > MOST_BYTES {
            return Err(FedError::Refused(format!(
                "the gradients of {} clients take {bytes} bytes of memory, at most {MOST_BYTES} can be held (--clients {} would do)",
                clients.len(),
                MOST_BYTES / (4 * d.max(1) as u64)
            )));
        }
        let mut own = Vec::with_capacity(clients.len());
        let mut losses = Vec::with_capacity(clients.len());
        for (k, &client) in clients.iter().enumerate() {
            let indices = &experiment.split.clients[client as usize];
            let (loss, gradient) = of_client(engine, experiment, indices, batch_statistics)?;
            losses.push(loss);
            own.push(gradient);
            done(k);
        }
        let counts: Vec<u64> = clients.iter().map(|&c| experiment.split.clients[c as usize].len() as u64).collect();
        Ok(Self::of(own, &losses, &counts, d))
    }

    /// Of clients' gradients, losses and numbers of samples.
    pub(super) fn of(own: Vec<Vec<f32>>, losses: &[f64], counts: &[u64], d: usize) -> Self {
        let samples: u64 = counts.iter().sum();
        let shares: Vec<f64> = counts.iter().map(|&n| n as f64 / samples.max(1) as f64).collect();
        let mut mean = vec![0f64; d];
        for (gradient, share) in own.iter().zip(&shares) {
            mean.iter_mut().zip(gradient).for_each(|(m, &g)| *m += share * f64::from(g));
        }
        let square = mean.iter().map(|g| g * g).sum();
        let own_squares = own.iter().map(|g| g.iter().map(|&g| f64::from(g).powi(2)).sum()).collect();
        let loss = losses.iter().zip(&shares).map(|(l, s)| l * s).sum();
        Self { shares, own, own_squares, mean, square, loss, samples }
    }

    /// Mean over the clients of the cosine of their gradient with the mean one, weighted by data size.
    pub fn client_cosine(&self) -> f64 {
        let cosine = |(g, square): (&Vec<f32>, &f64)| {
            let product: f64 = g.iter().zip(&self.mean).map(|(&g, &m)| f64::from(g) * m).sum();
            product / (square * self.square).sqrt()
        };
        self.own.iter().zip(&self.own_squares).map(cosine).zip(&self.shares).map(|(c, s)| c * s).sum()
    }

    /// `sum share_k^2 |own_k|^2 / |mean|^2`: what the variance of an estimate of one probe a client is in proportion to.
    pub fn spread(&self) -> f64 {
        let sum: f64 = self.own_squares.iter().zip(&self.shares).map(|(g, s)| s * s * g).sum();
        sum / self.square
    }
}

/// Mean loss of a client's samples, and its gradient.
fn of_client(
    engine: &mut Engine,
    experiment: &Experiment,
    indices: &[u32],
    batch_statistics: bool,
) -> Result<(f64, Vec<f32>), EngineError> {
    let rows = if batch_statistics { indices.len().max(1) } else { ROWS };
    let train = &experiment.data.train;
    let (mut loss, mut sum) = (0f64, vec![0f64; experiment.graph.param_count()]);
    for part in indices.chunks(rows) {
        let x = experiment.data.inputs(train, part)?;
        let labels: Vec<u32> = part.iter().map(|&i| train.labels[i as usize]).collect();
        let step = engine.gradients(&x, &labels, batch_statistics)?;
        let share = part.len() as f64 / indices.len() as f64;
        loss += share * f64::from(step.loss);
        sum.iter_mut().zip(&step.gradients).for_each(|(s, &g)| *s += share * f64::from(g));
    }
    Ok((loss, sum.into_iter().map(|g| g as f32).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_weighted_by_data_size() {
        let truth = Truth::of(vec![vec![1.0, 0.0], vec![0.0, 2.0]], &[1.0, 5.0], &[3, 1], 2);
        assert_eq!((truth.mean.clone(), truth.loss, truth.samples), (vec![0.75, 0.5], 2.0, 4));
        assert_eq!((truth.own_squares.clone(), truth.square), (vec![1.0, 4.0], 0.8125));
        let norm = 0.8125f64.sqrt();
        let expected = 0.75 * (0.75 / norm) + 0.25 * (0.5 / norm);
        assert!((truth.client_cosine() - expected).abs() < 1e-15);
        assert!((truth.spread() - (0.5625 + 0.25) / 0.8125).abs() < 1e-15);
    }
}
