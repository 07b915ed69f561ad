//! Batches out of a set of samples: rows of its pages, and those that have no place on the device, into the rows of a batch.

use super::samples::Samples;
use super::{EngineError, Workspace};
use crate::kernels::gather;
use crate::recording::{Recording, Span};
use std::ops::Range;

impl Samples {
    /// The rows of a batch that are gathered together: all, or as many as may be uploaded at once.
    pub(super) fn runs(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let at_once = self.absent.as_ref().map_or(rows, |absent| absent.at_once).max(1);
        (0..rows).step_by(at_once).map(move |first| first..rows.min(first + at_once))
    }

    /// Records the gathering of `rows` of a batch, one of [`Samples::runs`], into those rows of `x`.
    ///
    /// # Errors
    /// Samples that are read for this and can't be.
    pub(super) fn gather(
        &self,
        recording: &mut Recording,
        batch: &Wanted<'_>,
        rows: Range<usize>,
        room: &GatherRoom,
        x: Span,
    ) -> Result<(), EngineError> {
        let indices = &batch.indices[rows.clone()];
        let bytes = (indices.len() * 4) as u64;
        let list = |number: usize| {
            let offset = room.index.offset + number as u64 * bytes.next_multiple_of(room.alignment);
            Span { offset, bytes, ..room.index }
        };
        let lists = self.pages.len() + usize::from(self.absent.is_some());
        let moved = batch.moves.map(|moves| {
            let words: Vec<u32> = moves.rows[rows.clone()].iter().map(|row| row.word()).collect();
            let span = list(lists);
            recording.upload(span.buffer, span.offset, &words);
            gather::Moved { moves: span, width: moves.width, pad: moves.pad }
        });
        let row = gather::Row { last: batch.last, ..self.row };
        let launch = |recording: &mut Recording, number: usize, of_page: &[u32], pixels: Span| {
            let span = list(number);
            recording.upload(span.buffer, span.offset, of_page);
            let buffers = gather::Buffers { index: span, pixels, table: self.table, x };
            gather::record(recording, &buffers, of_page.len() as u32, row, rows.start as u32, moved.as_ref());
        };
        for (number, page) in self.pages.iter().enumerate() {
            let inside = |&i: &u32| {
                if i >= page.first && i - page.first < page.rows { i - page.first } else { gather::UNTOUCHED }
            };
            let of_page: Vec<u32> = indices.iter().map(inside).collect();
            if of_page.iter().any(|&i| i != gather::UNTOUCHED) {
                launch(recording, number, &of_page, Span::of(page.buffer, page.bytes));
            }
        }
        let (Some(absent), Some(to)) = (&self.absent, room.rows) else { return Ok(()) };
        let wanted: Vec<u32> = indices.iter().copied().filter(|&i| i >= absent.first).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        if let Some(bytes) = absent.read(&wanted)? {
            recording.upload(to.buffer, to.offset, &bytes);
        }
        let mut places = 0u32..;
        let place = |&i: &u32| if i < absent.first { None } else { places.next() };
        let of_page: Vec<u32> = indices.iter().map(place).map(|place| place.unwrap_or(gather::UNTOUCHED)).collect();
        launch(recording, self.pages.len(), &of_page, Span { bytes: wanted.len() as u64 * absent.row_bytes, ..to });
        Ok(())
    }
}

/// What is gathered.
pub(super) struct Wanted<'a> {
    /// The samples.
    pub indices: &'a [u32],
    /// How they are moved, each by its own; none: they stay.
    pub moves: Option<&'a Moves>,
    /// Channels that lie last in the batch; 1: as they are.
    pub last: u32,
}

/// Working buffers of a batch that is gathered.
pub(super) struct GatherRoom {
    /// A list of rows a page, and one of moves where they are moved, each from an aligned offset on.
    index: Span,
    /// Samples that have no place on the device; none: all have.
    rows: Option<Span>,
    alignment: u64,
}

impl Workspace {
    /// Room for the gathering of batches of at most `rows` rows, in working buffers of this name.
    pub(super) fn sample_room(
        &mut self,
        name: &'static str,
        samples: &Samples,
        rows: usize,
        moved: bool,
    ) -> Result<GatherRoom, EngineError> {
        let alignment = self.device().limits().alignment;
        let run = samples.runs(rows).next().map_or(0, |run| run.len());
        let lists = samples.pages.len() + usize::from(samples.absent.is_some()) + usize::from(moved);
        let index = self.need(name, lists as u64 * ((run * 4) as u64).next_multiple_of(alignment))?;
        let bytes = samples.staged_bytes(run);
        let rows = (bytes > 0).then(|| self.need("samples of a batch", bytes)).transpose()?;
        Ok(GatherRoom { index, rows, alignment })
    }
}

/// How the images of a batch are moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moves {
    /// Pixels of a row of an image.
    pub width: u32,
    /// Pixels of the black border that crops may reach into.
    pub pad: u32,
    /// A move a row of the batch.
    pub rows: Vec<gather::Move>,
}

impl Moves {
    /// Those of some of the rows.
    pub(super) fn part(&self, rows: std::ops::Range<usize>) -> Self {
        Self { rows: self.rows[rows].to_vec(), ..*self }
    }
}
