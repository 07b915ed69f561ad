//! Ranges of values, and what messages call them.

/// Most samples of a class that a limit can name, and most rounds of a phase or between evaluations.
pub(super) const MANY: u32 = 100_000_000;
/// Most clients of a run, and most samples of a local step.
pub(super) const MILLION: u32 = 1_000_000;

pub(super) const POSITIVE: &str = "a finite number greater than 0";
pub(super) const RATE: &str = "a finite number of at least 0";
pub(super) const SHARE: &str = "a number greater than 0 and at most 1";
/// What a running mean keeps of what it was; a probability that isn't certainty.
pub(super) const KEPT: &str = "a number of at least 0 and below 1";

pub(super) fn positive(x: f64) -> bool {
    x > 0.0
}

pub(super) fn rate(x: f64) -> bool {
    x >= 0.0
}

pub(super) fn share(x: f64) -> bool {
    x > 0.0 && x <= 1.0
}

pub(super) fn kept(x: f64) -> bool {
    (0.0..1.0).contains(&x)
}

/// `share` of `clients`, rounded half up, at least one (of at least one client).
pub fn share_of(share: f64, clients: u32) -> u32 {
    // A share such as 0.29 is a little less than written: the small addend lets 14.5 written as 0.29 x 50 round up.
    let rounded = (share * f64::from(clients) + 0.5 + 1e-9).floor();
    (rounded as u32).clamp(1, clients.max(1))
}
