//! `zowarmup probe`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::{ComputeArgs, CsvArgs};
use super::error::Error;
use super::output::{self, grouped, row, table};
use super::say::{bar_target, say};
use crate::config::Config;
use crate::device::{Selection, open};
use crate::fed::RunFolder;
use crate::lab::{self, At, Axes, LayerRow, Point, Report, Request, Row, Subject};
use crate::stream::Distribution;

/// Most probes of a client at a setting.
const MOST_DRAWS: i64 = 100_000;

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Moment {
    /// Before the first round
    Init,
    /// Between warm-up and zeroth-order rounds
    Pivot,
    /// After the last round
    Final,
}

/// `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Folder of a run, or a config; without it the embedded digits experiment
    #[arg(value_name = "RUN|CONFIG")]
    pub subject: Option<PathBuf>,
    /// Which weights [default: pivot of a run, init of a config]
    #[arg(long, value_name = "MOMENT")]
    pub at: Option<Moment>,
    /// Only so many clients, drawn by the config's sampling seed [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub clients: Option<u32>,
    /// Probes of each client at each setting, of which estimates of S probes are made
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=MOST_DRAWS))]
    pub draws: u32,
    /// Numbers S of probes of a client, such as 1,4,16
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=MOST_DRAWS))]
    pub probes: Vec<u32>,
    /// Steps
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = positive)]
    pub epsilon: Vec<f64>,
    /// Standard deviations of the perturbation
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = positive)]
    pub tau: Vec<f64>,
    /// Distributions of the perturbation
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = |text: &str| text.parse::<Distribution>())]
    pub distribution: Vec<Distribution>,
    /// 1, 2 or both
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=2))]
    pub sides: Vec<u32>,
    /// Every combination of the lists, not each list with the config's own values of the others
    #[arg(long)]
    pub product: bool,
    /// Table of the rows.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Overrides, device, output.
    #[command(flatten)]
    pub of: ComputeArgs,
}

/// Measures the zeroth-order estimate against the true gradient.
pub fn execute(args: &ProbeArgs) -> Result<u8, Error> {
    let csv = args.csv.file(args.subject.as_deref())?;
    let subject = subject(args)?;
    let config = &subject.experiment.config;
    let run = args.subject.iter().filter(|path| path.is_dir()).flat_map(|dir| RunFolder::files(dir));
    let csv = csv.map(|file| file.beside(config.inputs().into_iter().chain(run))).transpose()?;
    let asked = Axes {
        probes: args.probes.clone(),
        epsilon: args.epsilon.clone(),
        tau: args.tau.clone(),
        distribution: args.distribution.clone(),
        sides: args.sides.clone(),
    };
    let own = Point::of(&config.zo);
    let axes = if asked.is_empty() { Axes::usual() } else { asked };
    let rows = if args.product { axes.product(own) } else { axes.star(own) };
    if let Some(most) = rows.iter().map(|row| row.probes).max().filter(|&most| most > args.draws) {
        return Err(Error::Request(format!(
            "--draws {}: estimates of {most} probes need at least as many draws",
            args.draws
        )));
    }
    let clients = subject.clients(args.clients);
    let selection = Selection::of_config(args.of.device.device.as_deref(), &config.device)?;
    let request = Request { rows, draws: args.draws, clients };
    let bar = ProgressBar::with_draw_target(Some(0), bar_target());
    if let Ok(style) = ProgressStyle::with_template("probe [{bar:30}] {pos}/{len}  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let report = lab::measure(open(&selection)?, &subject, &request, &mut |done, of, next| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(next.to_owned());
    });
    bar.finish_and_clear();
    let report = report?;
    if let Some(file) = &csv {
        file.write(lines(&report.rows).as_bytes())?;
    }
    output::print(args.of.json.json, &report, text)?;
    Ok(0)
}

fn subject(args: &ProbeArgs) -> Result<Subject, Error> {
    let at = args.at.map(|at| match at {
        Moment::Init => At::Init,
        Moment::Pivot => At::Pivot,
        Moment::Final => At::Final,
    });
    if let Some(dir) = args.subject.as_deref().filter(|path| path.is_dir()) {
        return Ok(Subject::of_run(dir, at.unwrap_or(At::Pivot), &args.of.set.set)?);
    }
    if let Some(at) = at.filter(|&at| at != At::Init) {
        return Err(Error::Request(format!(
            "--at {}: a config has only its initial weights; name a run's folder",
            at.name()
        )));
    }
    let subject = Subject::of_config(&Config::load(args.subject.as_deref(), &args.of.set.set)?)?;
    subject.experiment.notes.iter().for_each(say);
    Ok(subject)
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&x: &f64| x.is_finite() && x > 0.0);
    number.ok_or_else(|| "expected a finite number greater than 0".to_owned())
}

/// The rows as CSV, named as in JSON; empty where not finite.
fn lines(rows: &[Row]) -> String {
    let mut out = String::from(
        "probes,epsilon,tau,distribution,precision,sides,cosine,bias,bias_error,variance,expected_variance,dl_zero,dl_noise,dl_error,dropped\n",
    );
    for r in rows {
        let numbers =
            [r.cosine, r.bias, r.bias_error, r.variance, r.expected_variance, r.dl_zero, r.dl_noise, r.dl_error];
        let numbers = numbers.map(|x| if x.is_finite() { x.to_string() } else { String::new() }).join(",");
        out.push_str(&format!(
            "{},{:e},{},{},{},{},{numbers},{}\n",
            r.probes, r.epsilon, r.tau, r.distribution, r.precision, r.sides, r.dropped
        ));
    }
    out
}

/// Three digits that mean something, or `-`.
fn digits(x: f64) -> String {
    match x.abs() {
        _ if !x.is_finite() => "-".to_owned(),
        0.0 => "0".to_owned(),
        a if (1e-3..1e5).contains(&a) => {
            let places = (2 - a.log10().floor() as i32).clamp(0, 5) as usize;
            format!("{x:.places$}")
        }
        _ => format!("{x:.1e}"),
    }
}

fn text(r: &Report) -> String {
    let mut out = format!(
        "{} weights at {} on {}: {} clients, {} samples, {} probes a client and setting\n",
        grouped(r.params as u64),
        r.at,
        r.device,
        r.clients,
        grouped(r.samples),
        r.draws
    );
    out.push_str(&format!(
        "loss {:.4}, gradient {}, a client's gradient at cosine {} to it\n",
        r.loss,
        digits(r.gradient_norm),
        digits(r.client_cosine)
    ));
    if let Some(h) = &r.hessian {
        out.push_str(&format!(
            "trace of the Hessian {} +- {} (at eps {:e})\n",
            digits(h.trace),
            digits(h.error),
            h.epsilon
        ));
    }
    out.push('\n');
    out.push_str(&table(&r.rows.iter().fold(
        vec![row([
            "S",
            "eps",
            "tau",
            "distribution",
            "sides",
            "cosine",
            "bias",
            "+-",
            "variance",
            "linear",
            "dl zero",
            "noise",
            "error",
        ])],
        |mut rows, r| {
            rows.push(cells(r));
            rows
        },
    )));
    out.push('\n');
    let mut layers = vec![row(["tensor", "weights", "of gradient^2", "cosine"])];
    layers.extend(r.layers.iter().map(layer));
    out.push_str(&table(&layers));
    let more = if r.suggest.more_probes { " or more" } else { "" };
    out.push_str(&format!(
        "\nsuggested: zo.epsilon = {:e}, zo.probes = {}{more}, and with these zo.lr = {}\n",
        r.suggest.epsilon,
        r.suggest.probes,
        digits(r.suggest.lr)
    ));
    out
}

fn cells(r: &Row) -> Vec<String> {
    vec![
        r.probes.to_string(),
        format!("{:e}", r.epsilon),
        r.tau.to_string(),
        r.distribution.to_owned(),
        r.sides.to_string(),
        digits(r.cosine),
        digits(r.bias),
        digits(r.bias_error),
        digits(r.variance),
        digits(r.expected_variance),
        output::percent(r.dl_zero.is_finite().then_some(r.dl_zero)),
        digits(r.dl_noise),
        digits(r.dl_error),
    ]
}

fn layer(l: &LayerRow) -> Vec<String> {
    vec![l.name.clone(), grouped(l.params as u64), digits(l.share), digits(l.cosine)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let shown = [0.0, 0.123_45, -12.345, 1234.5, 1e-5, 2.5e9, f64::NAN].map(digits);
        assert_eq!(shown, ["0", "0.123", "-12.3", "1234", "1.0e-5", "2.5e9", "-"]);
    }

    #[test]
    fn steps_are_positive() {
        assert_eq!(positive("1e-4"), Ok(1e-4));
        assert!(["0", "-1", "nan", "inf", "x", ""].iter().all(|text| positive(text).is_err()));
    }
}
