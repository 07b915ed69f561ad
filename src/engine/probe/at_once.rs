//! Rounds in one submission: what numbers come to is settled on the device (`kernels::settle`), so clients' own steps and the server's
//! update follow their probes without waiting for the host.

use super::copies::Copies;
use super::settings::{Direction, ProbeResult, ProbeSettings, Run};
use super::steps::{LocalClient, LocalResults};
use super::table::{Table, lanes_of};
use crate::device::{DeviceError, as_f32, as_u32};
use crate::engine::update::Fingerprint;
use crate::engine::{EngineError, Samples, Session};
use crate::kernels::params::Lane;
use crate::kernels::replay::Owners;
use crate::kernels::settle::{self, Numbers, Owner, Settled, Tables};
use crate::kernels::{probe_dl, replaying};
use crate::recording::{BufferId, Recording, Span};

/// How numbers move weights in a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Settling {
    /// What a difference is divided by.
    pub apart: f64,
    /// `-lr * weight` of each client's probes in the server's update; none: the host makes it.
    pub server: Option<Vec<f64>>,
    /// `-lr * weight` of the probes of a client's step in its own.
    pub own: f64,
}

/// A round that was done in one submission.
#[derive(Clone, Debug)]
pub struct AtOnce {
    /// Results of each client, of each of its steps, one a seed.
    pub results: LocalResults,
    /// What the server made of them.
    pub applied: Option<Applied>,
}

/// A server's update that was settled on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// An integer a probe: clients in their order, then steps and probes.
    pub q: Vec<i32>,
    /// Their common power of two; 0 where nothing moved.
    pub scale_exp: i32,
    /// Nothing moved.
    pub skipped: bool,
    /// The weights afterwards.
    pub after: Fingerprint,
}

/// A step of all clients that take so many.
struct Step<'a> {
    runs: Vec<Run<'a>>,
    /// Which clients they are.
    clients: Vec<usize>,
    table: Table,
    /// Its probes' (plus row, other row, rows, 0), and their numbers.
    probes: Span,
    numbers: Span,
    /// The first of its numbers among all.
    place: u32,
    /// The owners that go on from it, and where their tables lie.
    settling: Option<(Tables, [Span; 3])>,
}

impl Session<'_> {
    /// As [`Session::probe_local`] (with one step a client as [`Session::probe`]), the updates included; the bits are the same. None where
    /// a round is too large or of another kind: nothing has happened then.
    ///
    /// # Errors
    /// As [`Session::probe_local`].
    pub fn probe_at_once(
        &mut self,
        samples: &Samples,
        clients: &[LocalClient<'_>],
        settings: &ProbeSettings,
        settling: &Settling,
    ) -> Result<Option<AtOnce>, EngineError> {
        let numbers = Numbers { distribution: settings.distribution, apart: settling.apart, tau: settings.tau };
        if !self.fits_at_once(samples, clients, settings, settling, &numbers) {
            return Ok(None);
        }
        self.space.begin();
        let longest = clients.iter().map(|client| client.steps.len()).max().unwrap_or(0);
        let mut copies = if longest > 1 { Some(Copies::new(self, clients.len())?) } else { None };
        if copies.as_ref().is_some_and(|copies| copies.count() < clients.len()) {
            return Ok(None);
        }
        let directions: Vec<Vec<Vec<Direction>>> = clients.iter().map(|client| directions(client, settings)).collect();
        let mut steps = steps_of(clients, &directions, settings, copies.as_ref());
        // What goes to the device comes first: launches that follow each other share a pass.
        let mut recording = Recording::new();
        let runs = || steps.iter().flat_map(|step| step.clients.iter().copied().zip(&step.runs));
        let batch = self.batch_of_steps(&mut recording, samples, runs, clients.len())?;
        let mode = self.mode(Some(settings.distribution), false);
        let most_losses = u64::from(steps.iter().map(|step| step.table.losses).max().unwrap_or(0));
        let losses = self.space.need("losses", 4 * most_losses)?;
        let correct = self.space.need("correct", 4 * most_losses)?;

        let all = self.place_tables(&mut recording, clients, settling, &mut steps, copies.as_ref())?;
        let mut lists = Vec::with_capacity(steps.len());
        let mut x_row = 0;
        for step in &steps {
            lists.push(lanes_of_step(step, settings, &mut x_row));
        }
        let chunks = match &mut copies {
            Some(copies) => copies.session(self).chunks(&mut recording, lists, &mode)?,
            None => self.chunks(&mut recording, lists, &mode)?,
        };
        let statistics = match &copies {
            Some(copies) => copies.place_statistics(self, &mut recording)?,
            None => None,
        };
        recording.join_uploads(self.space.device().limits().alignment);
        let shared = self.state.weights();
        if let (Some(copies), Some(statistics)) = (&copies, &statistics) {
            copies.record_start(&mut recording, shared, statistics, self.space.binding());
        }
        let how = self.space.exact;
        let params = self.program.graph.param_count() as u32;
        // The first step is taken on the shared weights, and its replay makes the copies.
        let mut start = self.state.as_copy();
        for (k, (step, chunks)) in steps.iter().zip(&chunks).enumerate() {
            let own = copies.as_ref().map(Copies::weights);
            let mut session = match &mut copies {
                Some(_) if k == 0 => self.space.session(self.program, &mut start),
                Some(copies) => copies.session(self),
                None => self.space.session(self.program, self.state),
            };
            for chunk in chunks {
                session.record_chunk_losses(&mut recording, &batch, chunk, &mode, losses, correct)?;
            }
            session.record_differences(&mut recording, step, losses)?;
            if let Some((tables, spans)) = &step.settling {
                let entries = Owners::table_bytes(u64::from(tables.count()), u64::from(tables.most));
                let out = session.space.need("replayed probes", entries)?;
                tables.record(&mut recording, &numbers, *spans, all.numbers, out);
                let from = (k == 0).then(|| shared.whole_quads());
                let to = Owners { from, ..owners(out.buffer, tables, own.unwrap_or(shared), params) };
                replaying::record_exact_owners(&mut recording, settings.distribution, &to, how);
            }
        }
        let out = match &all.server {
            None => None,
            Some((tables, spans)) => {
                let entries = Owners::table_bytes(1, u64::from(tables.most));
                let out = self.space.need("replayed probes of the server", entries)?;
                tables.record(&mut recording, &numbers, *spans, all.numbers, out);
                let to = owners(out.buffer, tables, self.state.weights(), params);
                replaying::record_exact_owners(&mut recording, settings.distribution, &to, how);
                Some((out, self.record_fingerprint(&mut recording)?))
            }
        };
        recording.read_back(all.numbers);
        if let Some((table, fingerprint)) = out {
            recording.read_back(table);
            recording.read_back(fingerprint);
        }
        let read = self.space.submit(&recording)?;
        let numbers = read.first().map(|bytes| as_f32(bytes)).unwrap_or_default();
        let applied = match read.get(1..) {
            Some([table, fingerprint]) => Some(applied(&as_u32(table), &as_u32(fingerprint))?),
            _ => None,
        };
        Ok(Some(AtOnce { results: results(clients, &steps, &numbers), applied }))
    }

    /// Whether a round is of the kind that is done in one submission, and small enough.
    fn fits_at_once(
        &self,
        samples: &Samples,
        clients: &[LocalClient<'_>],
        settings: &ProbeSettings,
        settling: &Settling,
        numbers: &Numbers,
    ) -> bool {
        let factors = settling.server.iter().flatten().copied().chain([settling.own]);
        let budget = self.row_budget(samples.features(), false);
        // Passes on copies keep f32 where others keep f16.
        let piece = u64::from(budget.lane_rows.min(budget.batch_rows)) / 2;
        let of = |step: &super::ProbeClient<'_>| step.indices.len() as u64;
        let all = || clients.iter().flat_map(|client| &client.steps);
        let probes: u64 = all().map(|step| step.seeds.len() as u64).sum();
        let rows: u64 = all().map(of).sum();
        let losses: u64 = all().map(|step| 2 * step.seeds.len() as u64 * of(step)).sum();
        let longest = clients.iter().map(|client| client.steps.len()).max().unwrap_or(0);
        numbers.are_plain(factors)
            && !settings.batch_statistics
            && !self.space.is_planning()
            && self.program.windows.is_whole()
            && all().all(|step| (1..=u64::from(settle::MOST)).contains(&(step.seeds.len() as u64)))
            && all().all(|step| of(step) <= piece)
            && (settling.server.is_none() || probes <= u64::from(settle::MOST))
            && (settling.server.is_some() || longest > 1)
            && rows <= u64::from(budget.batch_rows)
            && 8 * losses + 64 * probes * self.program.lanes.lane_bytes() <= self.space.working_memory() / 8
            && 4 * losses <= self.space.binding()
            && probes > 0
    }

    /// Records the upload of all tables of a round: those of probes, and those of what is settled. Spans of `steps` are set here.
    fn place_tables(
        &mut self,
        recording: &mut Recording,
        clients: &[LocalClient<'_>],
        settling: &Settling,
        steps: &mut [Step<'_>],
        copies: Option<&Copies>,
    ) -> Result<Placed, EngineError> {
        let alignment = self.space.device().limits().alignment.max(16);
        let aligned = |bytes: u64| bytes.next_multiple_of(alignment);
        let [mut probe_bytes, mut number_bytes] = [0, 0];
        for step in steps.iter_mut() {
            let probes = step.table.probes.len() as u64;
            step.probes.bytes = 16 * probes;
            step.probes.offset = probe_bytes;
            step.numbers.bytes = 8 * probes;
            step.numbers.offset = number_bytes;
            step.place = (number_bytes / 8) as u32;
            probe_bytes += aligned(step.probes.bytes);
            number_bytes += aligned(step.numbers.bytes);
        }
        let probes = self.space.need("probe table", probe_bytes)?;
        let numbers = self.space.need("probe results", number_bytes)?;
        let places: Vec<Vec<u32>> = steps.iter().map(|step| step.places(clients.len())).collect();
        let own = |(k, step): (usize, &Step<'_>)| {
            let going_on = step.clients.iter().filter(|&&slot| k + 1 < clients[slot].steps.len());
            let owner = |&slot: &usize| Owner {
                first: copies.map_or(0, |copies| copies.base(slot)),
                probes: settled(clients[slot].steps[k].seeds, settling.own, places[k][slot]).collect(),
            };
            Tables::of(&going_on.map(owner).collect::<Vec<_>>())
        };
        let own: Vec<Tables> = steps.iter().enumerate().map(own).collect();
        let server = settling.server.as_ref().map(|factors| {
            let of_client = |(slot, client): (usize, &LocalClient<'_>)| -> Vec<Settled> {
                let factor = factors.get(slot).copied().unwrap_or_default();
                let steps = client.steps.iter().zip(&places);
                steps.flat_map(|(step, places)| settled(step.seeds, factor, places[slot])).collect()
            };
            Tables::of(&[Owner { first: 0, probes: clients.iter().enumerate().flat_map(of_client).collect() }])
        });
        let all = own.iter().chain(&server);
        let total = all.flat_map(Tables::bytes).map(aligned).sum::<u64>();
        let mut at = self.space.need("tables of what is settled", total)?;
        let mut place = |tables: Tables| {
            let spans = tables.bytes().map(|bytes| {
                let span = Span { bytes, ..at };
                at.offset += aligned(bytes);
                span
            });
            tables.upload(recording, spans);
            (tables, spans)
        };
        for (step, tables) in steps.iter_mut().zip(own) {
            step.settling = (tables.count() > 0).then(|| place(tables));
        }
        let server = server.map(place);
        for step in steps.iter_mut() {
            step.probes = within(probes, step.probes);
            step.numbers = within(numbers, step.numbers);
            recording.upload(step.probes.buffer, step.probes.offset, &step.table.probes);
        }
        Ok(Placed { numbers, server })
    }

    /// Records a step's differences.
    fn record_differences(
        &mut self,
        recording: &mut Recording,
        step: &Step<'_>,
        losses: Span,
    ) -> Result<(), EngineError> {
        let most = step.runs.iter().map(|run| run.indices.len() as u32).max().unwrap_or(0);
        let (count, losses_of_all) = (step.table.probes.len() as u32, u64::from(step.table.losses));
        let probes = probe_dl::Probes { table: step.probes, count, most, losses: losses_of_all };
        let parts = self.space.need("parts of losses", probes.part_bytes())?;
        probe_dl::record(recording, &probes, losses, parts, step.numbers);
        Ok(())
    }
}

/// A part of a span, given by its offset there.
fn within(all: Span, part: Span) -> Span {
    Span { buffer: all.buffer, offset: all.offset + part.offset, bytes: part.bytes }
}

/// Where a round's numbers lie, and the server's tables.
struct Placed {
    numbers: Span,
    server: Option<(Tables, [Span; 3])>,
}

impl Step<'_> {
    /// The first number of each of `clients` clients among all; of those that take no such step 0.
    fn places(&self, clients: usize) -> Vec<u32> {
        let mut places = vec![0; clients];
        let mut next = self.place;
        for (run, &slot) in self.runs.iter().zip(&self.clients) {
            places[slot] = next;
            next += run.directions.len() as u32;
        }
        places
    }
}

/// The directions of each of a client's steps; of an exact distribution no seed has a factor.
fn directions(client: &LocalClient<'_>, settings: &ProbeSettings) -> Vec<Vec<Direction>> {
    let of = |step: &super::ProbeClient<'_>| settings.directions(step.seeds, &vec![1.0; step.seeds.len()]);
    client.steps.iter().map(of).collect()
}

/// Probes that follow each other.
fn settled(seeds: &[u64], factor: f64, first: u32) -> impl Iterator<Item = Settled> {
    seeds.iter().zip(first..).map(move |(&seed, place)| Settled { seed, factor, place })
}

/// The steps of clients, without tables on the device.
fn steps_of<'a>(
    clients: &[LocalClient<'a>],
    directions: &'a [Vec<Vec<Direction>>],
    settings: &ProbeSettings,
    copies: Option<&Copies>,
) -> Vec<Step<'a>> {
    let longest = clients.iter().map(|client| client.steps.len()).max().unwrap_or(0);
    let nowhere = Span::of(BufferId(0), 0);
    let step = |k: usize| {
        let mut step = Step {
            runs: Vec::new(),
            clients: Vec::new(),
            table: Table::of(&[], settings.sides),
            probes: nowhere,
            numbers: nowhere,
            place: 0,
            settling: None,
        };
        for (slot, client) in clients.iter().enumerate() {
            if let (Some(own), Some(directions)) = (client.steps.get(k), directions[slot].get(k)) {
                let weight_base = copies.filter(|_| k > 0).map_or(0, |copies| copies.base(slot));
                step.runs.push(Run { weight_base, ..Run::of(own, directions) });
                step.clients.push(slot);
            }
        }
        step.table = Table::of(&step.runs, settings.sides);
        step
    };
    (0..longest).map(step).collect()
}

/// A step's lanes; `x_row` is the first row of its samples, and then the first behind them.
fn lanes_of_step(step: &Step<'_>, settings: &ProbeSettings, x_row: &mut u32) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for (run, first) in step.runs.iter().zip(&step.table.first) {
        let rows = run.indices.len() as u32;
        let of_run = lanes_of(run, settings.sides).zip(0..);
        lanes.extend(of_run.map(|(lane, k)| Lane { x_row: *x_row, rows, out_row: first + k * rows, ..lane }));
        *x_row += rows;
    }
    lanes
}

/// A table that was settled, and the vectors that it moves.
fn owners(table: BufferId, tables: &Tables, weights: Span, params: u32) -> Owners {
    let weights = weights.whole_quads();
    Owners { table, owners: tables.count(), count: tables.most, weights, from: None, first: 0, params }
}

/// What the server's table says.
fn applied(table: &[u32], fingerprint: &[u32]) -> Result<Applied, EngineError> {
    let [_, _, scale_exp, skipped, entries @ ..] = table else {
        return Err(DeviceError::Internal("settled numbers: read-back of the wrong length".to_owned()).into());
    };
    let q = entries.chunks_exact(4).map(|entry| entry[2] as i32).collect();
    let scale_exp = if *skipped == 0 { *scale_exp as i32 } else { 0 };
    Ok(Applied { q, scale_exp, skipped: *skipped != 0, after: Fingerprint::of(fingerprint)? })
}

/// The numbers of each client, step after step.
fn results(clients: &[LocalClient<'_>], steps: &[Step<'_>], numbers: &[f32]) -> LocalResults {
    let places: Vec<Vec<u32>> = steps.iter().map(|step| step.places(clients.len())).collect();
    let result = |place: usize| ProbeResult { dl: numbers[2 * place], loss: numbers[2 * place + 1] };
    let of_client = |(slot, client): (usize, &LocalClient<'_>)| {
        let steps = client.steps.iter().zip(&places);
        steps.map(|(step, places)| (0..step.seeds.len()).map(|s| result(places[slot] as usize + s)).collect()).collect()
    };
    clients.iter().enumerate().map(of_client).collect()
}
