//! Directions on the sphere of radius sqrt(d): gaussian ones times a factor of their seed (perturbation-stream, Distributions).

use crate::device::as_f32;
use crate::engine::counts::count;
use crate::engine::{EngineError, Session};
use crate::kernels::gaussian_squares;
use crate::recording::{Recording, Span};

impl Session<'_> {
    /// What the gaussian elements of each seed are multiplied by on the sphere: `sqrt(d) / ||gaussian||`, the norm over all d parameters.
    /// Sums are f32 within fixed parts of 8192 elements, f64 over them: relative to the device's elements within 2e-6.
    ///
    /// # Errors
    /// The device's.
    pub fn sphere_factors(&mut self, seeds: &[u64]) -> Result<Vec<f64>, EngineError> {
        self.space.begin();
        self.factors(seeds)
    }

    /// As [`Session::sphere_factors`], as part of other work.
    pub(super) fn factors(&mut self, seeds: &[u64]) -> Result<Vec<f64>, EngineError> {
        let elements = count(self.program.graph.param_count(), "parameters", "")?;
        let parts = gaussian_squares::parts(elements).max(1);
        let most = (self.space.working_memory() / 16).min(self.space.binding()) / (4 * u64::from(parts) + 8);
        let mut factors = Vec::with_capacity(seeds.len());
        for seeds in seeds.chunks(most.clamp(1, 1 << 20) as usize) {
            let words: Vec<[u32; 2]> = seeds.iter().map(|&seed| [seed as u32, (seed >> 32) as u32]).collect();
            let table = self.space.need("seeds of directions", 8 * words.len() as u64)?;
            let sums = self.space.need("squares of directions", 4 * u64::from(parts) * words.len() as u64)?;
            let mut recording = Recording::new();
            recording.upload(table.buffer, 0, &words);
            gaussian_squares::record(&mut recording, table, words.len() as u32, elements, sums);
            recording.read_back(Span::of(sums.buffer, sums.bytes));
            let sums = as_f32(&self.space.submit(&recording)?.concat());
            factors.extend(sums.chunks_exact(parts as usize).map(|parts| {
                let squares: f64 = parts.iter().map(|&sum| f64::from(sum)).sum();
                // A vector of zeros has no direction: it moves nothing either way.
                if squares > 0.0 { (f64::from(elements) / squares).sqrt() } else { 0.0 }
            }));
        }
        Ok(factors)
    }
}
