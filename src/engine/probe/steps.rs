//! What clients' local steps are given, and what they give.

use super::settings::{ProbeClient, ProbeResult};

/// A client's local steps.
#[derive(Clone, Debug, Default)]
pub struct LocalClient<'a> {
    /// Samples and seeds of each step, in order.
    pub steps: Vec<ProbeClient<'a>>,
}

/// What a client's step gave.
#[derive(Clone, Copy, Debug)]
pub struct LocalStep<'a> {
    /// Which of the clients that were given.
    pub client: usize,
    /// Which of its steps.
    pub step: usize,
    /// A result a seed of the step.
    pub results: &'a [ProbeResult],
    /// What each seed's elements are multiplied by beside tau and scale: [`crate::engine::Session::sphere_factors`] on the sphere, else 1.
    pub factors: &'a [f64],
}

/// How a client moves its copy behind a step: as [`super::super::Update`], a number a seed of the step.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalUpdate {
    /// It stays.
    None,
    /// Integers at a common power of two, for exact distributions.
    Exact {
        /// An integer coefficient a probe.
        q: Vec<i32>,
        /// E: the sum is multiplied by 2^-E.
        scale_exp: i32,
    },
    /// f32 coefficients, for the others.
    Float {
        /// A coefficient a probe, before the element.
        a: Vec<f32>,
    },
}

/// Results of local steps: of each client, of each of its steps, one a seed.
pub type LocalResults = Vec<Vec<Vec<ProbeResult>>>;
