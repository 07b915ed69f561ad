//! The line that tells how far a run is: as wide as the terminal allows, or plain for a log.

use std::time::{Duration, Instant};

use super::duration;
use super::output::percent;

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// `warm-up` or `zo`; empty before the first round.
    pub phase: &'static str,
    /// Rounds done.
    pub done: u64,
    /// Rounds in all.
    pub of: u64,
    /// Loss of the last round.
    pub loss: Option<f64>,
    /// Accuracy of the last evaluation.
    pub accuracy: Option<f64>,
    /// Kernels that are ready, of those that the next round waits for.
    pub compiling: Option<(usize, usize)>,
    /// Time that the rounds left will take, where that can be told.
    pub left: Option<Duration>,
}

impl Standing {
    fn counts(&self) -> String {
        format!("{}/{}", self.done, self.of)
    }

    /// What the rounds gave, or what they wait for.
    fn message(&self, loss: bool) -> String {
        match self.compiling {
            Some((ready, all)) => format!("compiling {ready}/{all}"),
            None if loss => {
                let loss = self.loss.map_or_else(|| "-".to_owned(), |l| format!("{l:.4}"));
                format!("loss {loss}  accuracy {}", percent(self.accuracy))
            }
            None => percent(self.accuracy),
        }
    }

    fn time(&self) -> Option<String> {
        self.left.map(|left| format!("{} left", duration::text(left)))
    }

    /// For a log: `zo 40/330  loss 1.2345  accuracy 45.6 %  1m20s left`.
    pub fn plain(&self) -> String {
        let phase = if self.phase.is_empty() { "round" } else { self.phase };
        let parts = [Some(format!("{phase} {}", self.counts())), Some(self.message(true)), self.time()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
    }

    /// With a bar, in at most `width` columns: first the bar shrinks, then the loss goes, then the bar, then the time left.
    pub fn fitted(&self, width: usize) -> String {
        let forms = [
            (30, true, true),
            (20, true, true),
            (10, true, true),
            (10, false, true),
            (0, false, true),
            (0, false, false),
        ];
        let lines = forms.map(|(bar, loss, time)| {
            let bar = (bar > 0).then(|| format!("[{}]", self.bar(bar)));
            let time = if time { self.time() } else { None };
            let head = [(!self.phase.is_empty()).then(|| format!("{:>7}", self.phase)), bar, Some(self.counts())];
            let head = head.into_iter().flatten().collect::<Vec<_>>().join(" ");
            [Some(head), Some(self.message(loss)), time].into_iter().flatten().collect::<Vec<_>>().join("  ")
        });
        let fits = lines.iter().find(|line| line.chars().count() <= width);
        fits.cloned().unwrap_or_else(|| self.counts().chars().take(width).collect())
    }

    fn bar(&self, columns: usize) -> String {
        // Of no rounds all are done.
        let full = columns as u64 * self.done.min(self.of);
        let full = full.checked_div(self.of).map_or(columns, |full| full as usize);
        let arrow = if full < columns { ">" } else { "" };
        format!("{}{arrow}{}", "=".repeat(full), " ".repeat(columns - full - arrow.len()))
    }
}

/// When a log gets its next line: once in a while.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    last: Instant,
    every: Duration,
}

impl Pace {
    /// The next line is due `every` after `now`.
    pub fn new(now: Instant, every: Duration) -> Self {
        Self { last: now, every }
    }

    /// Whether a line is due, or has a reason of its own; the next one is due later from now.
    pub fn due(&mut self, now: Instant, reason: bool) -> bool {
        let due = reason || now.duration_since(self.last) >= self.every;
        if due {
            self.last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            phase: "zo",
            done: 40,
            of: 330,
            loss: Some(1.234_56),
            accuracy: Some(0.456),
            compiling: None,
            left: Some(Duration::from_secs(80)),
        }
    }

    #[test]
    fn lines_of_a_log_say_everything() {
        let mut standing = standing();
        assert_eq!(standing.plain(), "zo 40/330  loss 1.2346  accuracy 45.6 %  1m20s left");
        standing.compiling = Some((14, 31));
        assert_eq!(standing.plain(), "zo 40/330  compiling 14/31  1m20s left");
        let begun = Standing { of: 12, compiling: Some((0, 31)), ..Standing::default() };
        assert_eq!(begun.plain(), "round 0/12  compiling 0/31");
    }

    #[test]
    fn bars_fit_terminals_of_any_width() {
        let standing = standing();
        let wide = standing.fitted(200);
        assert_eq!(wide, format!("     zo [===>{}] 40/330  loss 1.2346  accuracy 45.6 %  1m20s left", " ".repeat(26)));
        for width in 0..200 {
            let line = standing.fitted(width);
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert_eq!(line.contains("40/330"), width >= 6, "{width}: {line}");
        }
        // Losing columns, it keeps what matters longest.
        assert!(standing.fitted(40).contains("45.6 %") && standing.fitted(40).contains("left"));
        assert!(standing.fitted(23).contains("45.6 %"));
        let done = Standing { done: 330, ..standing };
        assert!(done.fitted(200).contains(&format!("[{}]", "=".repeat(30))));
        assert!(Standing::default().fitted(200).contains("0/0"));
    }

    #[test]
    fn a_log_gets_a_line_at_each_reason_and_every_so_often() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(start, Duration::from_secs(30));
        let due: Vec<u64> = (1..=100).filter(|&s| pace.due(at(s), s == 10 || s == 75)).collect();
        assert_eq!(due, [10, 40, 70, 75]);
    }
}
