//! The `zowarmup` command.

use std::process::ExitCode;

use zowarmup::version;

/// The commit that this was built from. It stands here alone, so that only this file is compiled anew after a commit.
const COMMIT: &str = version::commit_of(include_bytes!(env!("ZOWARMUP_COMMIT_FILE")));

fn main() -> ExitCode {
    version::built_from(COMMIT);
    ExitCode::from(zowarmup::cli::main())
}
