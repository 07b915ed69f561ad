//! A chunk's lanes on the device: once with samples as rows, once with tokens as rows for the layers that see those; both for each
//! window of the weights.

use crate::kernels::params::{Lane, Lanes};
use crate::layers::LaneTables;
use crate::recording::windows::Window;
use crate::recording::{Recording, Span};

/// A chunk's lanes, for each window of the weights.
#[derive(Clone, Debug)]
pub(super) struct WindowLanes {
    /// Of the first window, and of kernels that see no weights.
    pub first: LaneTables,
    others: Vec<LaneTables>,
}

impl WindowLanes {
    /// Of a window.
    pub fn of(&self, window: usize) -> &LaneTables {
        if window == 0 { &self.first } else { &self.others[window - 1] }
    }
}

/// How lanes lie in a buffer: `tokens` rows a sample, tables on multiples of `alignment` bytes.
#[derive(Clone, Debug)]
pub(super) struct LaneLayout {
    /// The windows of the weights, at least one.
    pub windows: Vec<Window>,
    /// The most rows that a layer makes of a sample.
    pub tokens: usize,
    /// Alignment of bindings.
    pub alignment: u64,
}

impl LaneLayout {
    fn table(&self, count: usize) -> u64 {
        ((count * size_of::<Lane>()) as u64).next_multiple_of(self.alignment.max(64))
    }

    fn window_bytes(&self, count: usize) -> u64 {
        self.table(count) * if self.tokens > 1 { 2 } else { 1 }
    }

    /// Bytes of a lane in all tables, without what aligns these.
    pub fn lane_bytes(&self) -> u64 {
        let tables = self.windows.len() as u64 * if self.tokens > 1 { 2 } else { 1 };
        size_of::<Lane>() as u64 * tables
    }

    /// Bytes of the tables of `count` lanes; a multiple of the alignment.
    pub fn bytes(&self, count: usize) -> u64 {
        self.window_bytes(count) * self.windows.len() as u64
    }

    /// Records the upload of lanes to `at`, which has room for [`LaneLayout::bytes`].
    pub fn record(&self, recording: &mut Recording, mut at: Span, lanes: &[Lane]) -> WindowLanes {
        let first = self.record_window(recording, at, lanes);
        let mut others = Vec::new();
        for window in &self.windows[1..] {
            at.offset += self.window_bytes(lanes.len());
            let base = |lane: &Lane| lane.weight_base.wrapping_sub(window.first as u32);
            let moved: Vec<Lane> = lanes.iter().map(|lane| Lane { weight_base: base(lane), ..*lane }).collect();
            others.push(self.record_window(recording, at, &moved));
        }
        WindowLanes { first, others }
    }

    fn record_window(&self, recording: &mut Recording, at: Span, lanes: &[Lane]) -> LaneTables {
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
            // Outputs that outlive a chunk are those of samples.
            out_row: 0,
            ..*lane
        };
        let multiplied: Vec<Lane> = lanes.iter().map(of_tokens).collect();
        LaneTables { samples, tokens: table(self.table(lanes.len()), &multiplied).of_tokens(factor) }
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
    use crate::recording::{BufferId, Command};

    #[test]
    fn tokens_are_rows_of_the_second_table() {
        let whole = vec![Window { first: 0, len: 10 }];
        let layout = LaneLayout { windows: whole.clone(), tokens: 5, alignment: 256 };
        let mut lanes = [Lane { rows: 3, x_row: 2, ..Lane::default() }, Lane { rows: 4, ..Lane::default() }];
        assert_eq!(stack(&mut lanes), 7);
        let mut recording = Recording::new();
        let at = Span { buffer: BufferId(1), offset: 512, bytes: layout.bytes(2) };
        let tables = layout.record(&mut recording, at, &lanes).first;
        assert_eq!((tables.samples.rows, tables.tokens.rows, tables.tokens.max_rows), (7, 35, 20));
        assert_eq!((tables.samples.table.offset, tables.tokens.table.offset), (512, 768));
        let Command::Upload { data, .. } = &recording.commands()[1] else { panic!("an upload") };
        let second: &Lane = bytemuck::from_bytes(&data[size_of::<Lane>()..]);
        assert_eq!((second.row0, second.rows), (15, 20));
        let cut = vec![Window { first: 0, len: 128 }, Window { first: 64, len: 100 }];
        let layout = LaneLayout { windows: cut, ..layout };
        assert_eq!(layout.bytes(2), 1024);
        let mut recording = Recording::new();
        let tables = layout.record(&mut recording, at, &lanes);
        assert_eq!((tables.of(0).samples.table.offset, tables.of(1).samples.table.offset), (512, 1024));
        let Command::Upload { data, .. } = &recording.commands()[2] else { panic!("an upload") };
        assert_eq!(bytemuck::from_bytes::<Lane>(&data[..size_of::<Lane>()]).weight_base, 0u32.wrapping_sub(64));
        assert_eq!(LaneLayout { windows: whole, tokens: 1, alignment: 32 }.bytes(3), 128);
    }
}
