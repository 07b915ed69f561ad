//! The rules a header and a round must keep, shared by reader and writer. Messages name the field and what was expected.

use super::types::{Dense, EVERYONE, Entry, FORMAT, Header, Normalise, Optimizer, Round, Uplink, VERSION, VERSION_2};
use crate::rng::pool_seed;

/// Largest `sum |q| m` of a round: integers up to it are exact in f32.
pub const MAX_SUM: i64 = 1 << 24;
/// Bounds of `scale_exp`.
pub const EXP_RANGE: std::ops::RangeInclusive<i32> = -60..=60;

pub(super) fn header(h: &Header) -> Result<(), String> {
    if h.format != FORMAT {
        return Err(format!("format: expected \"{FORMAT}\", found \"{}\"", h.format));
    }
    if h.version != VERSION && h.version != VERSION_2 {
        return Err(format!("version: expected {VERSION} or {VERSION_2}, found {}", h.version));
    }
    if !h.model.is_object() {
        return Err("model: expected a table".to_owned());
    }
    if h.params == 0 {
        return Err("params: expected at least 1, found 0".to_owned());
    }
    positive("tau", h.tau)?;
    positive("epsilon", h.epsilon)?;
    if h.exact && !h.distribution.is_exact() {
        return Err(format!("exact: expected false with distribution {}, found true", h.distribution));
    }
    match h.optimizer {
        None if !h.exact => {
            return Err("optimizer: expected in a ledger that is not exact, found none".to_owned());
        }
        Some(Optimizer::Momentum { .. } | Optimizer::Adam { .. } | Optimizer::Hessian { .. }) if h.exact => {
            return Err("optimizer: expected sgd or none in an exact ledger".to_owned());
        }
        Some(Optimizer::Momentum { beta }) => decay("optimizer.beta", beta)?,
        Some(Optimizer::Adam { beta1, beta2, epsilon, .. }) => {
            decay("optimizer.beta1", beta1)?;
            decay("optimizer.beta2", beta2)?;
            positive("optimizer.epsilon", epsilon)?;
        }
        Some(Optimizer::Hessian { nu, epsilon }) => {
            decay("optimizer.nu", nu)?;
            positive("optimizer.epsilon", epsilon)?;
        }
        _ => {}
    }
    added(h)?;
    if h.base.is_empty() {
        return Err("base: expected a file name, found an empty string".to_owned());
    }
    if h.base_sha256.len() != 64 || !h.base_sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("base_sha256: expected 64 hex digits, found `{}`", h.base_sha256));
    }
    if h.seed_pool == Some(0) {
        return Err("seed_pool: expected at least 1, found 0".to_owned());
    }
    Ok(())
}

/// The fields of the second version.
fn added(h: &Header) -> Result<(), String> {
    if let Some(sides) = h.sides.filter(|sides| !(1..=2).contains(sides)) {
        return Err(format!("sides: expected 1 or 2, found {sides}"));
    }
    if h.uplink == Some(Uplink::Sign) && !h.shared_seeds {
        return Err("uplink: expected shared_seeds beside \"sign\"".to_owned());
    }
    if h.normalise == Some(Normalise::Deviation) && h.sides != Some(1) {
        return Err("normalise: expected sides 1 beside \"deviation\"".to_owned());
    }
    if let Some(error) = h.dl_error.filter(|error| !(error.is_finite() && *error >= 0.0)) {
        return Err(format!("dl_error: expected a finite number of at least 0, found {error}"));
    }
    if h.version == VERSION && h.seed_pool.is_none() && h.needs_version_2() {
        return Err(format!("version: expected {VERSION_2} with the header's other fields, found {VERSION}"));
    }
    Ok(())
}

pub(super) fn round(h: &Header, last: Option<u32>, r: &Round) -> Result<(), String> {
    if let Some(last) = last.filter(|&last| r.round <= last) {
        return Err(format!("round: expected more than {last}, the round before, found {}", r.round));
    }
    if !(r.lr.is_finite() && r.lr >= 0.0) {
        return Err(format!("lr: expected a finite number of at least 0, found {}", r.lr));
    }
    let scale_exp = match (h.exact, r.scale_exp) {
        (true, None) => return Err("scale_exp: missing, expected in an exact ledger".to_owned()),
        (false, Some(e)) => {
            return Err(format!("scale_exp: expected none in a ledger that is not exact, found {e}"));
        }
        (_, e) => e.unwrap_or(0),
    };
    if !EXP_RANGE.contains(&scale_exp) {
        return Err(format!("scale_exp: expected -60 to 60, found {scale_exp}"));
    }
    if r.skipped && scale_exp != 0 {
        return Err(format!("scale_exp: expected 0 in a skipped round, found {scale_exp}"));
    }
    for (j, p) in r.probes.iter().enumerate() {
        probe(h, r, p).map_err(|message| format!("probes[{j}].{message}"))?;
    }
    weights(r)?;
    if let Some(dense) = &r.dense {
        check_dense(h, dense).map_err(|message| format!("dense.{message}"))?;
    }
    let sum: i64 = r.probes.iter().map(|p| i64::from(p.q.unwrap_or(0)).abs()).sum();
    let m = i64::from(h.distribution.max_abs());
    // At most 2^31 a probe, and far fewer than 2^27 probes fit a line.
    if h.exact && sum.saturating_mul(m) > MAX_SUM {
        return Err(format!("q: expected sum |q| * {m} of at most {MAX_SUM}, found {}", sum.saturating_mul(m)));
    }
    Ok(())
}

/// The entries of a local step weigh at most 1 together.
fn weights(r: &Round) -> Result<(), String> {
    let steps = r.probes.iter().filter_map(|p| p.step).max().map_or(1, |step| u64::from(step) + 1);
    let sum: f64 = r.probes.iter().map(|p| p.weight).sum();
    // Each weight is rounded, and so is their sum: an error of 2^-52 an entry and addition.
    let most = steps as f64 * (1.0 + r.probes.len() as f64 * f64::EPSILON);
    if sum > most {
        return Err(format!("probes: expected weights that add up to at most {steps}, found {sum}"));
    }
    Ok(())
}

fn check_dense(h: &Header, dense: &Dense) -> Result<(), String> {
    if h.version == VERSION {
        return Err(format!("file: expected none in a ledger of version {VERSION}"));
    }
    let path = std::path::Path::new(&dense.file);
    let inside = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if dense.file.is_empty() || !inside || dense.file.contains('\\') {
        return Err(format!("file: expected a path inside the ledger's folder, found {:?}", dense.file));
    }
    if dense.sha256.len() != 64 || !dense.sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("sha256: expected 64 hex digits, found `{}`", dense.sha256));
    }
    Ok(())
}

fn probe(h: &Header, r: &Round, p: &Entry) -> Result<(), String> {
    if !(0.0..=1.0).contains(&p.weight) {
        return Err(format!("weight: expected 0 to 1, found {}", p.weight));
    }
    if p.dl.is_some_and(|dl| !dl.is_finite()) {
        return Err("dl: expected a finite number or null".to_owned());
    }
    if (p.client == EVERYONE) != h.shared_seeds {
        let expected = if h.shared_seeds { format!("{EVERYONE} with shared_seeds") } else { "an index".to_owned() };
        return Err(format!("client: expected {expected}, found {}", p.client));
    }
    match (h.exact, p.q) {
        (true, None) => return Err("q: missing, expected an integer in an exact ledger".to_owned()),
        (false, Some(q)) => {
            return Err(format!("q: expected none in a ledger that is not exact, found {q}"));
        }
        // With a pool the number stands in the index's first entry, whatever that one gave.
        (_, Some(q)) if q != 0 && p.dl.is_none() && h.seed_pool.is_none() => {
            return Err(format!("q: expected 0 where dl is null, found {q}"));
        }
        (_, Some(q)) if q != 0 && r.skipped => {
            return Err(format!("q: expected 0 in a skipped round, found {q}"));
        }
        _ => {}
    }
    match (h.seed_pool, p.k) {
        (None, None) => Ok(()),
        (None, Some(k)) => Err(format!("k: expected none without seed_pool in the header, found {k}")),
        (Some(pool), None) => Err(format!("k: missing, expected an index below seed_pool {pool}")),
        (Some(pool), Some(k)) if k >= pool => Err(format!("k: expected an index below seed_pool {pool}, found {k}")),
        (Some(_), Some(k)) => {
            let expected = pool_seed(h.run_seed, k);
            if p.seed == expected {
                Ok(())
            } else {
                Err(format!("seed: expected {expected:016x}, seed {k} of the pool, found {:016x}", p.seed))
            }
        }
    }
}

fn positive(field: &str, value: f64) -> Result<(), String> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(format!("{field}: expected a finite number above 0, found {value}"))
    }
}

fn decay(field: &str, value: f64) -> Result<(), String> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(format!("{field}: expected 0 to below 1, found {value}")) }
}
