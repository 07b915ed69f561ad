//! What is to be measured: settings of probes, and the rows of the table.

use crate::config::ZoConfig;
use crate::stream::Distribution;

/// How a probe perturbs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The step.
    pub epsilon: f64,
    /// Standard deviation of the perturbation's entries.
    pub tau: f64,
    /// What the entries are drawn from.
    pub distribution: Distribution,
    /// 2: `L(w + eps z) - L(w - eps z)`; 1: `L(w + eps z) - L(w)`.
    pub sides: u32,
}

/// A row: so many probes a client at a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Probes S of a client and estimate.
    pub probes: u32,
    /// How they perturb.
    pub setting: Setting,
}

impl Point {
    /// A config's own.
    pub fn of(zo: &ZoConfig) -> Self {
        let ZoConfig { epsilon, tau, distribution, sides, .. } = *zo;
        Self { probes: zo.probes, setting: Setting { epsilon, tau, distribution, sides } }
    }
}

/// Values of each axis of the table; of an empty one only the config's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axes {
    /// Probes S.
    pub probes: Vec<u32>,
    /// Steps.
    pub epsilon: Vec<f64>,
    /// Standard deviations.
    pub tau: Vec<f64>,
    /// Distributions.
    pub distribution: Vec<Distribution>,
    /// Sides, 1 or 2.
    pub sides: Vec<u32>,
}

impl Axes {
    /// What is looked at where nothing is asked for.
    pub fn usual() -> Self {
        Self {
            probes: vec![1, 4, 16],
            epsilon: vec![1e-6, 1e-5, 1e-4, 1e-3, 1e-2],
            tau: vec![0.25, 0.75, 1.5],
            distribution: Distribution::ALL.to_vec(),
            sides: vec![1, 2],
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Rows that differ from the config's own in one axis each; the config's own is the first.
    pub fn star(&self, own: Point) -> Vec<Point> {
        let Point { setting, .. } = own;
        let at = |setting| Point { setting, ..own };
        let rows = std::iter::once(own)
            .chain(self.probes.iter().map(|&probes| Point { probes, ..own }))
            .chain(self.epsilon.iter().map(|&epsilon| at(Setting { epsilon, ..setting })))
            .chain(self.tau.iter().map(|&tau| at(Setting { tau, ..setting })))
            .chain(self.distribution.iter().map(|&distribution| at(Setting { distribution, ..setting })))
            .chain(self.sides.iter().map(|&sides| at(Setting { sides, ..setting })));
        distinct(rows)
    }

    /// Every combination; the config's own row comes first.
    pub fn product(&self, own: Point) -> Vec<Point> {
        fn or<T: Copy>(list: &[T], own: T) -> Vec<T> {
            if list.is_empty() { vec![own] } else { list.to_vec() }
        }
        let mut rows = vec![own];
        for &distribution in &or(&self.distribution, own.setting.distribution) {
            for &sides in &or(&self.sides, own.setting.sides) {
                for &tau in &or(&self.tau, own.setting.tau) {
                    for &epsilon in &or(&self.epsilon, own.setting.epsilon) {
                        let setting = Setting { epsilon, tau, distribution, sides };
                        rows.extend(or(&self.probes, own.probes).iter().map(|&probes| Point { probes, setting }));
                    }
                }
            }
        }
        distinct(rows.into_iter())
    }
}

/// Each once, in the order of first appearance.
fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::new();
    for item in items {
        if !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Rows; the first is the config's own.
    pub rows: Vec<Point>,
    /// Probes of each client at each setting, at least 2; of them `draws / S` estimates are made.
    pub draws: u32,
    /// Clients, ascending, each with samples.
    pub clients: Vec<u32>,
}

impl Request {
    /// The settings of the rows, each once.
    pub fn settings(&self) -> Vec<Setting> {
        distinct(self.rows.iter().map(|row| row.setting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Point {
        let setting = Setting { epsilon: 1e-4, tau: 0.75, distribution: Distribution::Rademacher, sides: 2 };
        Point { probes: 3, setting }
    }

    #[test]
    fn a_star_changes_one_axis_at_a_time() {
        let rows = Axes::usual().star(own());
        // Own row; three more S, four eps, two tau, four distributions, one side.
        assert_eq!((rows[0], rows.len()), (own(), 1 + 3 + 4 + 2 + 4 + 1));
        for row in &rows[1..] {
            let (a, b) = (row.setting, own().setting);
            let changes = [
                row.probes != 3,
                a.epsilon != b.epsilon,
                a.tau != b.tau,
                a.distribution != b.distribution,
                a.sides != b.sides,
            ];
            assert_eq!(changes.iter().filter(|&&c| c).count(), 1, "{row:?}");
        }
        assert_eq!(Axes::default().star(own()), [own()]);
    }

    #[test]
    fn a_product_has_every_combination_once() {
        let axes = Axes { probes: vec![3, 6], epsilon: vec![1e-4, 1e-3], sides: vec![1, 2], ..Axes::default() };
        let rows = axes.product(own());
        assert_eq!((rows[0], rows.len()), (own(), 8));
        let request = Request { rows, draws: 6, clients: vec![0] };
        assert_eq!(request.settings().len(), 4);
    }
}
