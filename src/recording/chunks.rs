//! Cutting lanes and samples so that they fit memory, a binding and a submission. Results never depend on the cut.

use std::ops::Range;

/// Part of one client's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the client in the work at hand.
    pub client: usize,
    /// First sample of the client's list.
    pub first: u32,
    /// Samples.
    pub rows: u32,
}

/// Cuts each client's `rows` into pieces of at most `most` rows, in order; clients without rows have none.
pub fn pieces(rows: &[u32], most: u32) -> Vec<Piece> {
    let most = most.max(1);
    let mut list = Vec::new();
    for (client, &rows) in rows.iter().enumerate() {
        let mut first = 0;
        while first < rows {
            let take = most.min(rows - first);
            list.push(Piece { client, first, rows: take });
            first += take;
        }
    }
    list
}

/// Packs items in order into runs of at most `most_rows` rows and `most_items` items. An item larger than `most_rows` makes a run
/// of its own: callers cut such items first ([`pieces`]).
pub fn pack(rows: impl IntoIterator<Item = u32>, most_rows: u64, most_items: usize) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut sum, mut end) = (Vec::new(), 0, 0u64, 0);
    for (i, rows) in rows.into_iter().enumerate() {
        let rows = u64::from(rows);
        if i > start && (sum + rows > most_rows || i - start >= most_items.max(1)) {
            runs.push(start..i);
            (start, sum) = (i, 0);
        }
        sum += rows;
        end = i + 1;
    }
    if end > start {
        runs.push(start..end);
    }
    runs
}

/// How many rows fit, given what a row takes.
#[derive(Clone, Copy, Debug)]
pub struct RowBudget {
    /// Bytes that a row takes in each buffer of its own.
    pub largest_row: u64,
    /// Bytes that a row takes in all buffers together.
    pub row: u64,
    /// Operations on a row.
    pub cost: u64,
}

impl RowBudget {
    /// Rows that fit a binding of `binding` bytes, `memory` bytes in all, and `submission_cost` operations: at least 1.
    pub fn rows(&self, binding: u64, memory: u64, submission_cost: u64) -> u32 {
        let by_binding = binding / self.largest_row.max(1);
        let by_memory = memory / self.row.max(1);
        let by_cost = submission_cost / self.cost.max(1);
        by_binding.min(by_memory).min(by_cost).clamp(1, 1 << 24) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_cover_each_sample_once_in_order(rows in prop::collection::vec(0u32..50, 0..20), most in 1u32..20) {
            let list = pieces(&rows, most);
            prop_assert!(list.iter().all(|p| p.rows >= 1 && p.rows <= most));
            for (client, &n) in rows.iter().enumerate() {
                let mut next = 0;
                for piece in list.iter().filter(|p| p.client == client) {
                    prop_assert_eq!(piece.first, next);
                    next += piece.rows;
                }
                prop_assert_eq!(next, n);
            }
        }

        #[test]
        fn runs_cover_all_items_within_the_limits(rows in prop::collection::vec(1u32..30, 0..40), most in 30u64..100, items in 1usize..9) {
            let runs = pack(rows.iter().copied(), most, items);
            let mut next = 0;
            for run in &runs {
                prop_assert_eq!(run.start, next);
                prop_assert!(run.len() <= items && !run.is_empty());
                prop_assert!(rows[run.clone()].iter().map(|&r| u64::from(r)).sum::<u64>() <= most);
                next = run.end;
            }
            prop_assert_eq!(next, rows.len());
        }
    }

    #[test]
    fn the_tightest_limit_decides() {
        let budget = RowBudget { largest_row: 100, row: 150, cost: 1000 };
        assert_eq!(budget.rows(1000, 10_000, 100_000), 10);
        assert_eq!(budget.rows(10_000, 1_500, 100_000), 10);
        assert_eq!(budget.rows(10_000, 15_000, 7_000), 7);
        assert_eq!(budget.rows(1, 1, 1), 1);
    }
}
