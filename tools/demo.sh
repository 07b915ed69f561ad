#!/usr/bin/env bash
# Installs what is missing, builds, and runs the embedded digits experiment. Arguments go to `zowarmup run`: a config,
# --out, --set, --device. Results land in runs/ below the current folder.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

# Mesa complains on standard error where this is unset, as it is in containers.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"

cargo build --release --locked --manifest-path "$root/Cargo.toml"
exec "${CARGO_TARGET_DIR:-$root/target}/release/zowarmup" run "$@"
