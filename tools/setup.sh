#!/usr/bin/env bash
# Puts in place what a build and a run need: checks Rust, and on Debian and Ubuntu installs a linker, a Vulkan loader and
# Mesa's software driver where they are missing. Run it, or source it from another script (then a cargo that is installed
# but not in PATH is found too). A machine that ends up without Vulkan still works: the engine falls back to its CPU twins.
set -euo pipefail

zw_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

zw_say() { printf 'setup: %s\n' "$*" >&2; }

# Whether the dynamic linker knows a library. ldconfig is in /sbin, which isn't in every user's PATH.
zw_has_library() {
    # grep reads to the end: with pipefail a reader that stops early would turn a hit into a failure.
    { PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null || true; } | grep -F "$1" >/dev/null
}

# Whether the driver that an ICD manifest names is there: a manifest without its library is no driver.
zw_has_driver() {
    local manifest=$1 library
    [ -r "$manifest" ] || return 1
    library=$(sed -n 's/.*"library_path"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$manifest" | head -n 1)
    case $library in
        '') return 1 ;;
        /*) [ -e "$library" ] ;;
        */*) [ -e "$(dirname "$manifest")/$library" ] ;;
        *) zw_has_library "$library" ;;
    esac
}

zw_has_vulkan() {
    zw_has_library libvulkan.so.1 || return 1
    local listed=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}} entry manifest
    local -a entries=()
    if [ -n "$listed" ]; then
        IFS=: read -r -a entries <<<"$listed"
    else
        entries=(/usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d
            "${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/vulkan/icd.d")
    fi
    for entry in "${entries[@]}"; do
        if [ -d "$entry" ]; then
            for manifest in "$entry"/*.json; do
                if zw_has_driver "$manifest"; then return 0; fi
            done
        elif zw_has_driver "$entry"; then
            return 0
        fi
    done
    return 1
}

# Installs packages with apt without asking anything. Fails quietly where that can't be done; the caller says what follows.
zw_apt_install() {
    command -v apt-get >/dev/null || return 1
    local -a as_root=() quick=(-qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20
        -o DPkg::Lock::Timeout=120)
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || return 1
        # Without a terminal nobody could type a password.
        if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive)
    zw_say "installing $* with apt-get"
    # A stale package list is no reason to stop: the install decides.
    "${as_root[@]}" apt-get "${quick[@]}" update >&2 || true
    "${as_root[@]}" apt-get "${quick[@]}" install -y --no-install-recommends "$@" </dev/null >&2
}

zw_check_rust() {
    if ! command -v cargo >/dev/null && [ -r "${HOME:-}/.cargo/env" ]; then
        # shellcheck disable=SC1091
        . "$HOME/.cargo/env"
    fi
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$zw_root/Cargo.toml")
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        zw_say "Rust is missing: install Rust $needed or later, for example from https://rustup.rs, and try again"
        return 1
    fi
    found=$(rustc --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n' "$needed" "${found%%-*}" | sort -V | head -n 1)" != "$needed" ]; then
        zw_say "Rust $needed or later is needed, rustc is $found: update it, for example with 'rustup update stable'"
        return 1
    fi
}

zw_check_linker() {
    if command -v cc >/dev/null; then return 0; fi
    # libc6-dev is what the linker needs of the C library; gcc only recommends it.
    if ! zw_apt_install gcc libc6-dev; then
        zw_say "no C compiler ('cc') and it could not be installed: cargo needs one to link"
        return 1
    fi
}

zw_check_vulkan() {
    # Other systems bring their own graphics interface.
    if [ "$(uname -s)" != Linux ] || zw_has_vulkan; then return 0; fi
    if ! zw_apt_install libvulkan1 mesa-vulkan-drivers || ! zw_has_vulkan; then
        zw_say "no usable Vulkan driver, and none could be installed: going on, the CPU twins will be used (slow)"
    fi
}

zw_check_rust
zw_check_linker
zw_check_vulkan
