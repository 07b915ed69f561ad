//! What probes' numbers come to in integers, on the device and with the host's bits (perturbation-stream, Exact replay, steps 1 to 4): a
//! recording goes on to the replay without waiting for the host.

use super::lib::Case;
use super::lib::replay::Probe;
use crate::ledger::quantise;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("settle", twin);

/// Most probes of an owner.
pub const MOST: u32 = 255;

params! {
    /// The uniform block.
    pub struct Params {
        /// Probes of the owner with most.
        pub most: u32,
        /// The largest element of the distribution, a power of two.
        pub m: u32,
        /// Bits of the f64 that differences are divided by.
        pub apart_lo: u32,
        /// The same.
        pub apart_hi: u32,
        /// Bits of tau, an f64.
        pub tau_lo: u32,
        /// The same.
        pub tau_hi: u32,
        /// Bits of the distribution's scale, an f64.
        pub scale_lo: u32,
        /// The same.
        pub scale_hi: u32,
    }
}

/// What all probes have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// What perturbations are drawn from.
    pub distribution: Distribution,
    /// What a difference of losses is divided by: `2 eps`, or `eps` with one side.
    pub apart: f64,
    /// Standard deviation of a perturbation.
    pub tau: f64,
}

/// A probe whose number is settled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settled {
    /// Its seed.
    pub seed: u64,
    /// `-lr * weight`.
    pub factor: f64,
    /// Where its `(dl, loss)` lies among all.
    pub place: u32,
}

/// Exponents that constants may have: no coefficient of a finite difference is subnormal or infinite then.
const EXPONENTS: std::ops::RangeInclusive<i32> = -200..=200;

impl Numbers {
    /// Whether the kernel has the host's bits with these constants and factors.
    pub fn are_plain(&self, factors: impl IntoIterator<Item = f64>) -> bool {
        let within = |x: f64| EXPONENTS.contains(&((x.to_bits() >> 52 & 0x7ff) as i32 - 1023));
        let positive = |x: f64| x > 0.0 && within(x);
        self.distribution.is_exact()
            && positive(self.apart)
            && positive(self.tau)
            && factors.into_iter().all(|factor| factor == 0.0 || within(factor))
    }
}

/// An owner: the probes of one step of the server, or of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// The first f32 of its weights, a multiple of 4.
    pub first: u32,
    /// Its probes, at most [`MOST`], in the order in which they are added up.
    pub probes: Vec<Settled>,
}

/// The tables of some owners.
#[derive(Clone, Debug)]
pub struct Tables {
    owners: Vec<[u32; 4]>,
    probes: Vec<[u32; 4]>,
    places: Vec<u32>,
    /// Probes of the owner with most.
    pub most: u32,
}

impl Tables {
    /// Of owners.
    pub fn of(owners: &[Owner]) -> Self {
        let most = owners.iter().map(|owner| owner.probes.len() as u32).max().unwrap_or(0);
        let mut tables = Self { owners: Vec::new(), probes: Vec::new(), places: Vec::new(), most };
        for owner in owners {
            tables.owners.push([tables.probes.len() as u32, owner.probes.len() as u32, owner.first / 4, 0]);
            for probe in &owner.probes {
                let c = probe.factor.to_bits();
                tables.probes.push([probe.seed as u32, (probe.seed >> 32) as u32, c as u32, (c >> 32) as u32]);
                tables.places.push(probe.place);
            }
        }
        tables
    }

    /// Owners.
    pub fn count(&self) -> u32 {
        self.owners.len() as u32
    }

    /// Bytes of the owners' table, of that of probes and of that of places.
    pub fn bytes(&self) -> [u64; 3] {
        [16 * self.owners.len() as u64, 16 * self.probes.len() as u64, 4 * self.places.len() as u64]
    }

    /// Records their upload.
    pub fn upload(&self, rec: &mut Recording, [owners, probes, places]: [Span; 3]) {
        rec.upload(owners.buffer, owners.offset, &self.owners);
        rec.upload(probes.buffer, probes.offset, &self.probes);
        rec.upload(places.buffer, places.offset, &self.places);
    }

    /// Records the integers of `numbers`, `(dl, loss)` f32, into `out`: a table for each owner as [`super::lib::replay::Owners`] has it.
    pub fn record(&self, rec: &mut Recording, how: &Numbers, tables: [Span; 3], numbers: Span, out: Span) {
        let [apart_lo, apart_hi] = words(how.apart);
        let [tau_lo, tau_hi] = words(how.tau);
        let [scale_lo, scale_hi] = words(how.distribution.scale());
        let m = how.distribution.max_abs();
        let params = Params { most: self.most, m, apart_lo, apart_hi, tau_lo, tau_hi, scale_lo, scale_hi };
        let [owners, probes, places] = tables;
        let bound = [owners, probes, places, numbers, out];
        let cost = 1000 * self.probes.len() as u64;
        // Threads without a probe have nothing to do, and meet at each barrier all the same.
        let variant = Variant::plain().with("THREADS", if self.most <= 8 { 8 } else { 64 });
        rec.dispatch(&KERNEL, variant, &params, &bound, [self.count(), 1, 1], cost);
    }
}

fn words(x: f64) -> [u32; 2] {
    [x.to_bits() as u32, (x.to_bits() >> 32) as u32]
}

fn double(lo: u32, hi: u32) -> f64 {
    f64::from_bits(u64::from(lo) | u64::from(hi) << 32)
}

fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (owners, probes, places) = (call.read::<[u32; 4]>(1), call.read::<[u32; 4]>(2), call.read::<u32>(3));
    let (numbers, mut out) = (call.read::<[f32; 2]>(4), call.write::<Probe>(5));
    let (apart, tau) = (double(p.apart_lo, p.apart_hi), double(p.tau_lo, p.tau_hi));
    let scale = double(p.scale_lo, p.scale_hi);
    let tables = out.chunks_exact_mut(p.most as usize + 1);
    for (&[first, count, weights, _], out) in owners.iter().zip(tables).take(call.grid[0] as usize) {
        let own = first as usize..(first + count) as usize;
        let a = |(probe, &place): (&[u32; 4], &u32)| {
            let dl = f64::from(numbers[place as usize][0]);
            if dl.is_finite() { double(probe[2], probe[3]) * dl / apart * tau * scale } else { 0.0 }
        };
        let a: Vec<f64> = probes[own.clone()].iter().zip(&places[own.clone()]).map(a).collect();
        let integers = quantise(&a, p.m);
        out.fill(Probe::default());
        let header = Probe::header(integers.scale_exp, 4 * weights);
        out[0] = Probe { value: integers.scale_exp as u32, minus: u32::from(integers.skipped), ..header };
        for ((out, probe), q) in out[1..].iter_mut().zip(&probes[own]).zip(integers.q) {
            *out = Probe::exact(u64::from(probe[0]) | u64::from(probe[1]) << 32, q);
        }
    }
}

/// Self-test cases: bits of numbers of all sizes, and sums beside a power of two.
pub fn cases() -> Vec<Case> {
    let near = |count: usize| move |f: &mut super::lib::Fixture<'_>| near_powers(f, count);
    let mut cases = Vec::new();
    for (name, distribution, apart, tau, factor) in [
        ("rademacher", Distribution::Rademacher, 2e-4, 0.75, -3.1e-3),
        ("binomial", Distribution::Binomial, 1e-3, 0.123_456_789, 7.77e-5),
        ("tiny", Distribution::Rademacher, 1e-3, 1.0, 1e-30),
        ("huge", Distribution::Binomial, 1e-30, 1.0, -1e20),
    ] {
        let how = Numbers { distribution, apart, tau };
        cases.push(case(name, how, factor, |f| bits_of_all_sizes(f, 900)));
    }
    let exactly = Numbers { distribution: Distribution::Rademacher, apart: 1.0, tau: 1.0 };
    cases.push(case("near powers of two", exactly, 1.0, near(900)));
    cases
}

/// Differences of all sizes, of either sign, some not finite, some zero.
fn bits_of_all_sizes(f: &mut super::lib::Fixture<'_>, count: usize) -> Vec<f32> {
    let words = f.words(2 * count);
    let of = |(i, pair): (usize, &[u32])| match i % 97 {
        11 => f32::NAN,
        12 => f32::INFINITY,
        13 => 0.0,
        14 => f32::from_bits(pair[0] & 0x807f_ffff), // subnormal
        // A run of probes has exponents that lie near each other.
        _ => f32::from_bits(pair[0] & 0x807f_ffff | (60 + i as u32 / 8 + pair[1] % 24) << 23),
    };
    words.chunks_exact(2).enumerate().map(of).collect()
}

/// Pairs whose sum is a power of two, or just beside one, alone in their owners or with zeros.
fn near_powers(f: &mut super::lib::Fixture<'_>, count: usize) -> Vec<f32> {
    let words = f.words(count);
    let of = |(i, word): (usize, &u32)| {
        let part = (word % 0x00ff_ffff) as f32 * 2f32.powi(-24);
        let last = 2f32.powi(-24 - (i as i32 / 4) % 32);
        match i % 4 {
            0 => part,
            1 => 1.0 - (words[i - 1] % 0x00ff_ffff) as f32 * 2f32.powi(-24),
            2 => [last, -last, 0.0][i % 3],
            _ => 0.0,
        }
    };
    words.iter().enumerate().map(of).collect()
}

fn case(
    name: &str,
    how: Numbers,
    factor: f64,
    numbers: impl Fn(&mut super::lib::Fixture<'_>) -> Vec<f32> + Send + Sync + 'static,
) -> Case {
    Case::new(format!("settle {name}"), 0.0, move |f| {
        let dl = numbers(f);
        let numbers: Vec<[f32; 2]> = dl.iter().map(|&dl| [dl, 0.5]).collect();
        let mut place = 0;
        let mut owner = |(i, count): (usize, &u32)| {
            let probe = |k: u32| {
                place += 1;
                let factor = factor * (1.0 + 0.37 * f64::from(k % 5) * f64::from(how.tau != 1.0));
                Settled { seed: u64::from(place) << 29 | u64::from(k), factor, place: place - 1 }
            };
            Owner { first: 64 * i as u32, probes: (0..*count).map(probe).collect() }
        };
        let counts = [0, 1, 4, 4, 4, 4, 8, 60, 64, 65, 255, 4, 4, 12, 200, 4, 3];
        let owners: Vec<Owner> = counts.iter().enumerate().map(&mut owner).collect();
        let tables = Tables::of(&owners);
        let spans = tables.bytes().map(|bytes| f.buffer("tables", &vec![0u32; (bytes / 4) as usize]));
        let entries = tables.count() * (tables.most + 1);
        let (numbers, out) = (f.buffer("numbers", &numbers), f.blank("out", 4 * entries as usize));
        let mut rec = Recording::new();
        tables.upload(&mut rec, spans);
        tables.record(&mut rec, &how, spans, numbers, out);
        rec.read_back(out);
        rec
    })
}
