//! Windows of a weight vector: where it is larger than a binding, each node's kernels see the part that holds their tensors.
//!
//! Kernels add a flat index to the lane's `weight_base`, in wrapping u32. A window from index `first` on therefore needs no kernel of
//! its own: its lanes' base is less by `first`, below zero modulo 2^32.

use std::ops::Range;

use super::Span;

/// f32 on which windows begin: WebGPU's alignment of bindings, 256 bytes.
const ALIGNED: usize = 64;

/// f32 on which pieces of element-wise work begin, for the replay: a block of the rademacher stream.
const PIECE: usize = 128;

/// Part of a weight vector, in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first index.
    pub first: usize,
    /// Its length.
    pub len: usize,
}

/// How the nodes of a graph see a weight vector through bindings. A vector that fits one is seen whole.
#[derive(Clone, Debug)]
pub struct Windows {
    all: Vec<Window>,
    of_node: Vec<usize>,
    /// f32 of a piece; none: the vector fits a binding.
    piece: Option<usize>,
}

impl Windows {
    /// For a vector of `len` f32, nodes that need the given ranges of it (where they have tensors), and bindings of `binding` bytes.
    /// The error is the first node whose range fits no window.
    pub fn of(len: usize, nodes: &[Option<Range<usize>>], binding: u64) -> Result<Self, usize> {
        let limit = (binding / 4) as usize / ALIGNED * ALIGNED;
        if len <= limit {
            return Ok(Self { all: vec![Window { first: 0, len }], of_node: vec![0; nodes.len()], piece: None });
        }
        let mut order: Vec<(usize, Range<usize>)> =
            nodes.iter().enumerate().filter_map(|(node, range)| range.clone().map(|range| (node, range))).collect();
        order.sort_by_key(|(_, range)| range.start);
        let mut of_node = vec![0; nodes.len()];
        // The first begins with the vector: lanes of its table serve element-wise work, too.
        let mut all = vec![Window { first: 0, len: 0 }];
        for (node, range) in order {
            let mut last = all.len() - 1;
            if range.end - all[last].first > limit {
                let first = range.start / ALIGNED * ALIGNED;
                if range.end - first > limit {
                    return Err(node);
                }
                all.push(Window { first, len: 0 });
                last += 1;
            }
            all[last].len = all[last].len.max(range.end - all[last].first);
            of_node[node] = last;
        }
        for window in &mut all {
            // Kernels that read quads may touch the one behind their last weight.
            window.len = (window.len.next_multiple_of(4) + 4).min(limit).min(len - window.first);
        }
        Ok(Self { all, of_node, piece: Some((limit / PIECE * PIECE).max(PIECE)) })
    }

    /// Whether the vector fits a binding.
    pub fn is_whole(&self) -> bool {
        self.piece.is_none()
    }

    /// The windows; the first begins at 0.
    pub fn all(&self) -> &[Window] {
        &self.all
    }

    /// The number of a node's window.
    pub fn of_node(&self, node: usize) -> usize {
        self.of_node[node]
    }

    /// What a node's kernels bind of a weight vector (or of several behind each other, where they are seen whole).
    pub fn bound(&self, node: usize, vector: Span) -> Span {
        self.part(self.all[self.of_node[node]], vector)
    }

    /// The first `count` f32 in pieces that fit a binding, for element-wise work.
    pub fn pieces(&self, count: usize) -> Vec<Window> {
        let piece = self.piece.unwrap_or(count).max(1);
        (0..count).step_by(piece).map(|first| Window { first, len: piece.min(count - first) }).collect()
    }

    /// A window or piece of a vector; all of the span where it is seen whole.
    pub fn part(&self, window: Window, vector: Span) -> Span {
        if self.is_whole() {
            return vector;
        }
        Span { offset: vector.offset + 4 * window.first as u64, bytes: 4 * window.len as u64, ..vector }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::BufferId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_node_lies_in_its_window(
            lens in prop::collection::vec(0usize..700, 1..30),
            limit in 13usize..40,
            reverse in any::<bool>(),
        ) {
            let mut end = 0;
            let mut nodes: Vec<Option<Range<usize>>> = lens
                .iter()
                .map(|&len| {
                    end += len;
                    (len > 0).then_some(end - len..end)
                })
                .collect();
            if reverse {
                nodes.reverse();
            }
            // The longest node takes 700 and up to 63 before it.
            let windows = Windows::of(end, &nodes, 4 * 64 * limit as u64).unwrap();
            prop_assert_eq!(windows.is_whole(), end <= 64 * limit);
            prop_assert_eq!(windows.all()[0].first, 0);
            for window in windows.all() {
                prop_assert!(window.first % 64 == 0 && window.len <= 64 * limit && window.first + window.len <= end);
            }
            for (node, range) in nodes.iter().enumerate() {
                let Window { first, len } = windows.all()[windows.of_node(node)];
                prop_assert!(range.as_ref().is_none_or(|r| first <= r.start && r.end <= first + len));
            }
            let mut next = 0;
            for piece in windows.pieces(end) {
                prop_assert!(piece.first == next && piece.first % 128 == 0 && (1..=64 * limit).contains(&piece.len));
                next += piece.len;
            }
            prop_assert_eq!(next, end);
        }
    }

    #[test]
    fn a_window_is_a_span_and_a_whole_vector_stays_one() {
        let vector = Span { buffer: BufferId(3), offset: 512, bytes: 4000 };
        let nodes = [Some(0..300), None, Some(300..1000)];
        let whole = Windows::of(1000, &nodes, 4096).unwrap();
        assert_eq!((whole.all().len(), whole.bound(2, vector)), (1, vector));
        assert_eq!(whole.pieces(900), [Window { first: 0, len: 900 }]);
        let cut = Windows::of(1000, &nodes, 3072).unwrap();
        assert_eq!(cut.bound(0, vector), Span { bytes: 4 * 304, ..vector });
        assert_eq!(cut.bound(2, vector), Span { offset: 512 + 4 * 256, bytes: 4 * 744, ..vector });
        assert_eq!(cut.pieces(1000), [Window { first: 0, len: 768 }, Window { first: 768, len: 232 }]);
        assert_eq!(Windows::of(1000, &nodes, 2048).unwrap_err(), 2);
    }
}
