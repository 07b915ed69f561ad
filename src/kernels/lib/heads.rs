//! Tiles of attention in workgroup memory: `shaders/lib/layers.wgsl:head_tiles` says what they are.

use std::fmt;

use crate::caps::Limits;
use crate::recording::kernel::Variant;

/// Threads that share 8 rows.
const MEMBERS: u32 = 16;

/// Keys and quads of a head that a thread owns, at most: their sums are kept in registers.
const MOST_OWN: [u32; 2] = [5, 2];

/// A workgroup's part of a head's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Heads {
    /// Queries of a workgroup; whole teams of 8.
    pub queries: u32,
    /// Keys at a time; whole rows of 16.
    pub keys: u32,
}

impl Heads {
    /// Tiles that cut `tokens` tokens into few blocks: of queries, and of keys.
    pub fn candidates(tokens: u32) -> Vec<Self> {
        let cut = |most: u32, unit: u32, more: u32| {
            let blocks = tokens.div_ceil(most).max(1) + more;
            tokens.div_ceil(blocks).next_multiple_of(unit)
        };
        let keys = MOST_OWN[0] * MEMBERS;
        let mut all: Vec<Self> = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1)]
            .map(|(q, k)| Self { queries: cut(keys, 8, q), keys: cut(keys, MEMBERS, k) })
            .into();
        all.dedup();
        all
    }

    /// Threads of a workgroup.
    pub fn threads(&self) -> u32 {
        self.queries / 8 * MEMBERS
    }

    /// Whether the sizes are those of whole teams with few enough keys a thread.
    pub fn is_whole(&self) -> bool {
        self.queries > 0
            && self.queries.is_multiple_of(8)
            && self.queries <= 1024
            && self.keys > 0
            && self.keys.is_multiple_of(MEMBERS)
            && self.keys <= MOST_OWN[0] * MEMBERS
    }

    /// Keys that a block has at most.
    fn stored(&self, tokens: u32) -> u32 {
        self.keys.min(tokens)
    }

    /// Quads from one k to the next in `across`.
    fn step(&self) -> u32 {
        (self.queries / 4) | 1
    }

    /// Quads before the weights in `across`, and all of them: the queries are wanted again where there are several blocks of keys. The
    /// gradient has weights as long as either side.
    fn across(&self, tokens: u32, head: u32) -> [u32; 2] {
        let (queries, weights) = (head * self.step(), self.stored(tokens).max(self.queries) * self.step());
        if tokens > self.keys { [queries, queries + weights] } else { [0, queries.max(weights)] }
    }

    /// Bytes of workgroup memory at most, for heads of `head` f32.
    pub fn memory(&self, tokens: u32, head: u32) -> u32 {
        let along = self.stored(tokens).max(self.queries) * (head / 4 + 1);
        16 * (self.across(tokens, head)[1] + along) + 4 * self.queries * (MEMBERS + 1 + 3)
    }

    /// Whether a device's limits admit it, and the kernel such heads.
    pub fn fits(&self, limits: &Limits, tokens: u32, head: u32) -> bool {
        self.is_whole()
            && head.is_multiple_of(4)
            && head / 4 <= MOST_OWN[1] * MEMBERS
            && self.threads() <= limits.invocations
            && self.memory(tokens, head) <= limits.workgroup_memory
    }

    /// The constants of a kernel.
    pub fn variant(&self, tokens: u32, head: u32) -> Variant {
        let [weights, across] = self.across(tokens, head);
        Variant::plain()
            .with("THREADS", self.threads())
            .with("QUERIES", self.queries)
            .with("KEYS", self.keys)
            .with("STORED", self.stored(tokens))
            .with("OWN_KEYS", self.keys / MEMBERS)
            .with("OWN_QUADS", (head / 4).div_ceil(MEMBERS))
            .with("WEIGHTS_AT", weights)
            .with("ACROSS", across)
            .in_way("heads")
    }
}

impl fmt::Display for Heads {
    /// `72x80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.queries, self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_tokens_of_a_transformer_in_one_block() {
        let all = Heads::candidates(65);
        assert_eq!(all[0], Heads { queries: 72, keys: 80 });
        assert_eq!((all[0].threads(), all[0].memory(65, 64)), (144, 16 * (72 * 19 + 72 * 17) + 4 * 72 * 20));
        for tokens in [1, 2, 5, 16, 17, 65, 66, 150, 197, 257, 1025] {
            for heads in Heads::candidates(tokens) {
                assert!(heads.is_whole(), "{tokens} tokens: {heads}");
            }
        }
    }

    #[test]
    fn limits_admit_what_fits() {
        let core = Limits::webgpu_default();
        assert!(!Heads { queries: 72, keys: 80 }.fits(&core, 65, 64));
        assert!(Heads { queries: 8, keys: 16 }.fits(&core, 65, 64));
        assert!(!Heads { queries: 8, keys: 16 }.fits(&core, 65, 6), "no quads");
        assert!(!Heads { queries: 8, keys: 16 }.fits(&core, 65, 132), "too many sums");
    }
}
