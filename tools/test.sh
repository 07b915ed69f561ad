#!/usr/bin/env bash
# Installs what is missing, then checks everything: format, lints, documentation, doc tests, benches (each once), tests.
# Stops at the first step that fails. The tests come last, so that the test runner's summary ends the output. With --all every golden
# file and every kernel case with subgroups runs in each flavour and subgroup size, not only on the device's own, and kernels in each
# combination of what they are built for, which takes much longer.
set -euo pipefail

case "${1:-}" in
    '') ;;
    --all) export ZOWARMUP_TEST_ALL=1 ;;
    *)
        echo "usage: tools/test.sh [--all]" >&2
        exit 2
        ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
exec </dev/null
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

# A suite that ran no shader says nothing: without a driver it runs only where that is asked for.
if [ -z "${ZOWARMUP_TEST_DEVICE:-}" ] && [ "$(uname -s)" = Linux ] && ! zw_has_vulkan; then
    echo "test: no Vulkan driver, and none could be installed (Debian and Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers);" \
        "ZOWARMUP_TEST_DEVICE=reference runs the tests on the CPU twins alone" >&2
    exit 1
fi

# Mesa complains on standard error where this is unset, as it is in containers.
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"

# The readers of data files are compared with the packages that write these. Where they can't be had the test says so and passes.
readers=target/readers
if [ -z "${ZOWARMUP_PYTHON:-}" ] && command -v python3 >/dev/null; then
    if [ -x "$readers/bin/python" ] || python3 -m venv "$readers" >/dev/null 2>&1; then
        if timeout 300 "$readers/bin/python" -m pip install -q --disable-pip-version-check -r tests/readers.txt; then
            export ZOWARMUP_PYTHON="$root/$readers/bin/python"
        else
            echo "test: the packages of tests/readers.txt can't be installed; readers are not compared with them" >&2
        fi
    fi
fi

step() {
    printf '\n== %s\n' "$*" >&2
    "$@"
}

if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    if ! command -v rustup >/dev/null || ! rustup component add rustfmt clippy; then
        echo "test: rustfmt and clippy are needed: install them, for example with 'rustup component add rustfmt clippy'" >&2
        exit 1
    fi
fi

# The build script declares the kernels' modules and a macro those of layers, so that formatting does not find them by itself.
step cargo fmt --check -- src/kernels/*.rs src/layers/kinds/*.rs
step cargo clippy --all-targets --locked -- -D warnings
# The library without the command line.
step cargo clippy --no-default-features --lib --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --no-deps --locked
step cargo test --doc --locked
if grep -q '^\[\[bench\]\]' Cargo.toml; then
    # Without cargo bench's flag criterion runs each benchmark once.
    step cargo test --bench '*' --locked
fi
if cargo nextest --version >/dev/null 2>&1; then
    step cargo nextest run --locked
else
    step cargo test --lib --bins --tests --locked
fi
