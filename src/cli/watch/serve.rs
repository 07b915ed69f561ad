//! The report's page of a run in progress.

use std::time::{Duration, Instant};

use super::super::error::Error;
use super::super::{interrupt, say};
use super::server::{Page, Server};
use super::{EVERY, facts};
use crate::fed::live::Live;
use crate::report::Report;

/// How often the page loads itself again.
const RELOAD: Duration = Duration::from_secs(5);

/// Serves the page until someone asks for the end.
pub fn serve(mut live: Live, port: u16) -> Result<u8, Error> {
    interrupt::install_saying(None);
    let server = Server::new(port)?;
    say::say(format_args!("watching {} at {} (Ctrl-C ends it)", live.dir.display(), server.url()));
    let mut read = Instant::now();
    server.run(interrupt::requested, || {
        if read.elapsed() >= EVERY {
            // A file that is being replaced is there again a moment later.
            if let Err(error) = live.refresh() {
                tracing::warn!("{error}");
            }
            read = Instant::now();
        }
        page(&live)
    })?;
    Ok(0)
}

/// The page of what is known of a run; one that has ended need not be loaded again.
pub fn page(live: &Live) -> Page {
    let title = format!("{}: {}", live.config.name, facts::standing(live));
    let html = Report::of_records(&title, vec![live.record()]).html();
    Page { html, reload: live.ended.is_none().then_some(RELOAD) }
}
