//! Windows of a weight vector: where it is larger than a binding, each node's kernels see the part that holds their tensors.
//!
//! Kernels add a flat index to the lane's `weight_base`, in wrapping u32. A window from index `first` on therefore needs no kernel of
//! its own: its lanes' base is less by `first`, below zero modulo 2^32.
//!
//! The running statistics of a batch norm lie behind all parameters, far from its scale. They are a binding of their own, of a window
//! of their own; the same lanes serve it, with offsets that make up for the two windows' distance ([`Running`]).

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

/// What a node needs of a weight vector, in f32.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// From its first parameter to its last, where it has any.
    pub parameters: Option<Range<usize>>,
    /// A batch norm's running statistics.
    pub running: Option<Range<usize>>,
}

/// A batch norm's running statistics, as its kernels bind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// What they bind.
    pub span: Span,
    /// What is added, modulo 2^32, to the statistics' flat indices: the lanes' bases are those of the node's window.
    pub shift: u32,
}

/// How the nodes of a graph see a weight vector through bindings. A vector that fits one is seen whole.
#[derive(Clone, Debug)]
pub struct Windows {
    all: Vec<Window>,
    of_node: Vec<usize>,
    /// Windows of running statistics.
    running: Vec<Window>,
    running_of: Vec<usize>,
    /// f32 of a piece; none: the vector fits a binding.
    piece: Option<usize>,
}

impl Windows {
    /// For a vector of `len` f32, nodes with the given needs of it, and bindings of `binding` bytes. The error is the first node whose
    /// parameters, or else running statistics, fit no window.
    pub fn of(len: usize, nodes: &[Needs], binding: u64) -> Result<Self, usize> {
        let limit = (binding / 4) as usize / ALIGNED * ALIGNED;
        if len <= limit {
            let (all, of_node) = (vec![Window { first: 0, len }], vec![0; nodes.len()]);
            return Ok(Self { running: all.clone(), running_of: of_node.clone(), all, of_node, piece: None });
        }
        // The first begins with the vector: lanes of its table serve element-wise work, too.
        let first = Some(Window { first: 0, len: 0 });
        let (all, of_node) = cover(len, nodes.iter().map(|needs| needs.parameters.clone()), limit, first)?;
        let (running, running_of) = cover(len, nodes.iter().map(|needs| needs.running.clone()), limit, None)?;
        Ok(Self { all, of_node, running, running_of, piece: Some((limit / PIECE * PIECE).max(PIECE)) })
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

    /// What a batch norm's kernels bind of a weight vector for its running statistics. Without meaning for other nodes.
    pub fn running(&self, node: usize, vector: Span) -> Running {
        let bases = self.all[self.of_node[node]];
        let window = self.running.get(self.running_of[node]).copied().unwrap_or(bases);
        Running { span: self.part(window, vector), shift: (bases.first as u32).wrapping_sub(window.first as u32) }
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

/// Windows of at most `limit` f32 behind `begun`, and each range's among them; ranges may lie in any order. The error is the number of
/// a range that fits none.
fn cover(
    len: usize,
    ranges: impl ExactSizeIterator<Item = Option<Range<usize>>>,
    limit: usize,
    begun: Option<Window>,
) -> Result<(Vec<Window>, Vec<usize>), usize> {
    let mut window_of = vec![0; ranges.len()];
    let mut order: Vec<_> = ranges.enumerate().filter_map(|(node, range)| Some((node, range?))).collect();
    order.sort_by_key(|(_, range)| range.start);
    let mut windows: Vec<Window> = begun.into_iter().collect();
    for (node, range) in order {
        if windows.last().is_none_or(|last| range.end - last.first > limit) {
            let first = range.start / ALIGNED * ALIGNED;
            if range.end - first > limit {
                return Err(node);
            }
            windows.push(Window { first, len: 0 });
        }
        window_of[node] = windows.len() - 1;
        if let Some(last) = windows.last_mut() {
            last.len = last.len.max(range.end - last.first);
        }
    }
    for window in &mut windows {
        // Kernels that read quads may touch the one behind their last weight.
        window.len = (window.len.next_multiple_of(4) + 4).min(limit).min(len - window.first);
    }
    Ok((windows, window_of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::BufferId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_node_lies_in_its_window(
            lens in prop::collection::vec((0usize..700, prop::option::of(1usize..700)), 1..30),
            limit in 13usize..40,
            reverse in any::<bool>(),
            slot in 0u32..3,
        ) {
            // Statistics lie behind all parameters, in the nodes' order.
            let mut end = 0;
            let mut next = |len: usize| {
                end += len;
                (len > 0).then_some(end - len..end)
            };
            let parameters: Vec<_> = lens.iter().map(|&(len, _)| next(len)).collect();
            let running: Vec<_> = lens.iter().map(|&(_, len)| next(len.unwrap_or(0))).collect();
            let mut nodes: Vec<Needs> =
                parameters.into_iter().zip(running).map(|(parameters, running)| Needs { parameters, running }).collect();
            if reverse {
                nodes.reverse();
            }
            // The longest node takes 700 and up to 63 before it.
            let windows = Windows::of(end, &nodes, 4 * 64 * limit as u64).unwrap();
            prop_assert_eq!(windows.is_whole(), end <= 64 * limit);
            prop_assert_eq!(windows.all()[0].first, 0);
            for window in windows.all().iter().chain(&windows.running) {
                prop_assert!(window.first % 64 == 0 && window.len <= 64 * limit && window.first + window.len <= end);
            }
            // One slot where the vector is cut, else `slot` of several.
            let slots = if windows.is_whole() { 3 } else { 1 };
            let vector = Span { buffer: BufferId(0), offset: 512, bytes: 4 * (slots * end) as u64 };
            let base = if windows.is_whole() { slot * end as u32 } else { 0 };
            for (node, needs) in nodes.iter().enumerate() {
                let Window { first, len } = windows.all()[windows.of_node(node)];
                prop_assert!(needs.parameters.as_ref().is_none_or(|r| first <= r.start && r.end <= first + len));
                let Some(range) = &needs.running else { continue };
                let Running { span, shift } = windows.running(node, vector);
                prop_assert!(span.bytes <= 256 * limit as u64 || windows.is_whole());
                prop_assert!(span.offset % 256 == 0 && span.offset + span.bytes <= vector.offset + vector.bytes);
                // As a kernel counts: the lane's base in the node's window, the offset that it is given.
                let at = base.wrapping_sub(first as u32).wrapping_add(shift.wrapping_add(range.start as u32));
                prop_assert_eq!(span.offset + 4 * u64::from(at), vector.offset + 4 * (u64::from(base) + range.start as u64));
                prop_assert!(u64::from(at) + range.len() as u64 <= span.bytes / 4);
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
        let needs = |parameters, running| Needs { parameters, running };
        let nodes = [needs(Some(0..300), Some(900..950)), Needs::default(), needs(Some(300..900), Some(950..1000))];
        let whole = Windows::of(1000, &nodes, 4096).unwrap();
        assert_eq!((whole.all().len(), whole.bound(2, vector)), (1, vector));
        assert_eq!(whole.running(2, vector), Running { span: vector, shift: 0 });
        assert_eq!(whole.pieces(900), [Window { first: 0, len: 900 }]);
        let cut = Windows::of(1000, &nodes, 3072).unwrap();
        assert_eq!(cut.bound(0, vector), Span { bytes: 4 * 304, ..vector });
        assert_eq!(cut.bound(2, vector), Span { offset: 512 + 4 * 256, bytes: 4 * 648, ..vector });
        // Both norms' statistics share a window, from 896 on.
        let statistics = Span { offset: 512 + 4 * 896, bytes: 4 * 104, ..vector };
        assert_eq!(cut.running(0, vector), Running { span: statistics, shift: 0u32.wrapping_sub(896) });
        assert_eq!(cut.running(2, vector), Running { span: statistics, shift: 0u32.wrapping_sub(896 - 256) });
        assert_eq!(cut.pieces(1000), [Window { first: 0, len: 768 }, Window { first: 768, len: 232 }]);
        assert_eq!(Windows::of(1000, &nodes, 2048).unwrap_err(), 2);
    }
}
