//! Optimisers of the server that run on the host, for those that the engine doesn't have.

/// What the server adds to the weights, given a direction: in the warm-up the clients' joint change, in a zeroth-order round the negative
/// of the estimated gradient. One lives through all rounds of a phase and may keep what it wants.
///
/// ```
/// use zowarmup::rule::HostOptimizer;
///
/// /// A step of the rate along the direction's signs (Bernstein et al., 2018).
/// struct Signs;
///
/// impl HostOptimizer for Signs {
///     fn step(&mut self, direction: &[f32], lr: f64) -> Vec<f32> {
///         direction.iter().map(|d| if *d == 0.0 { 0.0 } else { lr as f32 * d.signum() }).collect()
///     }
/// }
/// ```
pub trait HostOptimizer {
    /// What is added to the weights, as long as `direction`: a value for each parameter in flat order, then one for each running
    /// statistic, whose directions are 0 in zeroth-order rounds. `lr` is the round's rate, of the warm-up `warmup.server_lr`.
    fn step(&mut self, direction: &[f32], lr: f64) -> Vec<f32>;
}
