//! The `zowarmup` command.
fn main() {}
