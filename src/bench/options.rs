//! What is asked of workloads.

/// What the command line asks of the workloads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Clients of the batched workloads.
    pub clients: u32,
    /// Images of the large forward passes, and of a client in the large rounds; `None`: what fills a large GPU.
    pub batch: Option<u32>,
    /// Sizes that even an unoptimised build on a software adapter runs at once: shows that a workload works, not its speed.
    pub small: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 20, batch: None, small: false }
    }
}
