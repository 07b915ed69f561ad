//! The `zowarmup` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(zowarmup::cli::main())
}
