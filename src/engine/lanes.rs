//! A chunk's lanes on the device: once with samples as rows, once with tokens as rows for the layers that see those.

use crate::kernels::params::{Lane, Lanes};
use crate::plan::{Recording, Span};

/// A chunk's lanes as kernels take them.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneTables {
    /// A row a sample.
    pub samples: Lanes,
    /// A row a token; the same as `samples` for models without tokens.
    pub tokens: Lanes,
}

/// How lanes lie in a buffer: `tokens` rows a sample, tables on multiples of `alignment` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneLayout {
    /// The most rows that a layer makes of a sample.
    pub tokens: usize,
    /// Alignment of bindings.
    pub alignment: u64,
}

impl LaneLayout {
    fn table(self, count: usize) -> u64 {
        ((count * size_of::<Lane>()) as u64).next_multiple_of(self.alignment.max(64))
    }

    /// Bytes of the tables of `count` lanes; a multiple of the alignment.
    pub fn bytes(self, count: usize) -> u64 {
        self.table(count) * if self.tokens > 1 { 2 } else { 1 }
    }

    /// Records the upload of lanes to `at`, which has room for [`LaneLayout::bytes`].
    pub fn record(self, recording: &mut Recording, at: Span, lanes: &[Lane]) -> LaneTables {
        let mut table = |offset: u64, lanes: &[Lane]| {
            let span = Span { buffer: at.buffer, offset: at.offset + offset, bytes: size_of_val(lanes) as u64 };
            recording.upload(span.buffer, span.offset, lanes);
            Lanes::new(span, lanes)
        };
        let samples = table(0, lanes);
        if self.tokens <= 1 {
            return LaneTables { samples, tokens: samples };
        }
        let factor = self.tokens as u32;
        let of_tokens = |lane: &Lane| Lane {
            x_row: lane.x_row * factor,
            row0: lane.row0 * factor,
            rows: lane.rows * factor,
            out_row: lane.out_row * factor,
            ..*lane
        };
        let multiplied: Vec<Lane> = lanes.iter().map(of_tokens).collect();
        LaneTables { samples, tokens: table(self.table(lanes.len()), &multiplied) }
    }
}

/// Numbers lanes through: each one's rows follow those of the lane before. Returns how many rows that makes.
pub(super) fn stack(lanes: &mut [Lane]) -> u64 {
    let mut row0 = 0;
    for lane in lanes {
        lane.row0 = row0;
        row0 += lane.rows;
    }
    u64::from(row0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BufferId, Command};

    #[test]
    fn tokens_are_rows_of_the_second_table() {
        let layout = LaneLayout { tokens: 5, alignment: 256 };
        let mut lanes = [Lane { rows: 3, x_row: 2, ..Lane::default() }, Lane { rows: 4, ..Lane::default() }];
        assert_eq!(stack(&mut lanes), 7);
        let mut recording = Recording::new();
        let at = Span { buffer: BufferId(1), offset: 512, bytes: layout.bytes(2) };
        let tables = layout.record(&mut recording, at, &lanes);
        assert_eq!((tables.samples.rows, tables.tokens.rows, tables.tokens.max_rows), (7, 35, 20));
        assert_eq!((tables.samples.table.offset, tables.tokens.table.offset), (512, 768));
        let Command::Upload { data, .. } = &recording.commands()[1] else { panic!("an upload") };
        let second: &Lane = bytemuck::from_bytes(&data[size_of::<Lane>()..]);
        assert_eq!((second.row0, second.rows), (15, 20));
        assert_eq!(LaneLayout { tokens: 1, alignment: 32 }.bytes(3), 128);
    }
}
