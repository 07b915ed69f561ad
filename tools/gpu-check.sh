#!/usr/bin/env bash
# All that bench/results quotes for a GPU, measured on one machine in one go and written to one JSON file.
#
#     tools/gpu-check.sh [OUT.json]                            default: gpu-check.json
#
# Needs bash, the usual small tools of a system, and a built binary; PyTorch is measured beside it where python3 has it. Steps that fail
# are recorded, and the next one begins. The file is complete after every step, so an end from outside loses only the step at hand.
#
# ZOWARMUP                the binary [target/release/zowarmup]
# ZOWARMUP_DEVICE         as everywhere: which adapter
# GPU_CHECK_SECONDS       no step begins after so many seconds [480]; none runs longer than what is left
# GPU_CHECK_STEPS         only steps of these names, such as "bench profile"
# GPU_CHECK_SMALL         1: sizes that a software adapter runs in seconds: shows that the script works, not how fast anything is
# PYTHON                  the interpreter with torch [python3]
set -u
export LC_ALL=C XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zowarmup=${ZOWARMUP:-$root/target/release/zowarmup}
out=${1:-gpu-check.json}
budget=${GPU_CHECK_SECONDS:-480}
only=${GPU_CHECK_STEPS:-}
small=${GPU_CHECK_SMALL:-}
python=${PYTHON:-python3}

[ -x "$zowarmup" ] || { echo "gpu-check: no program at $zowarmup: build it (cargo build --release) or set ZOWARMUP" >&2; exit 2; }
work=$(mktemp -d "${TMPDIR:-/tmp}/gpu-check.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
mkdir "$work/steps"

# Microseconds.
now() {
    if [ -n "${EPOCHREALTIME:-}" ]; then echo "${EPOCHREALTIME/./}"; else echo "$(($(date +%s) * 1000000))"; fi
}
began=$(now)
seconds_since() {
    local ms=$((($(now) - $1) / 1000))
    printf '%d.%03d' $((ms / 1000)) $((ms % 1000))
}

# Text on standard input as a JSON string.
json_string() {
    local text
    text=$(tr -cd '\11\12\40-\176')
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\t'/\\t}
    text=${text//$'\n'/\\n}
    printf '"%s"' "$text"
}
field() { # name, command...
    local name=$1
    shift
    printf '  "%s": ' "$name"
    { "$@" 2>/dev/null || true; } | json_string
    printf ',\n'
}
card() {
    command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader
}
cores() { getconf _NPROCESSORS_ONLN || nproc; }
processor() { sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1; }

preamble() { # everything before the steps
    printf '{\n  "gpu_check": 1,\n'
    field date date -u +%Y-%m-%dT%H:%M:%SZ
    field program "$zowarmup" --version
    field host uname -n
    field system uname -srm
    field processor processor
    field cores cores
    field card card
    printf '  "small": %s,\n' "$([ -n "$small" ] && echo true || echo false)"
}
write_whole() {
    {
        printf '%s\n' "$head_text"
        printf '  "seconds": %s,\n  "steps": [' "$(seconds_since "$began")"
        local first=1 file
        for file in "$work"/steps/*; do
            [ -f "$file" ] || continue
            [ "$first" = 1 ] || printf ','
            first=0
            printf '\n    '
            cat "$file"
        done
        printf '\n  ]\n}\n'
    } >"$out.part" && mv -f "$out.part" "$out"
}

# A command as a reader of the results would type it: no folder of this machine stands in it.
shown() {
    local text=$1
    text=${text//"$zowarmup"/zowarmup}
    text=${text//"$root/"/}
    printf '%s' "${text//"$work/"/}"
}

count=0
failed=0
# Runs a command, whose standard output is a JSON object, as a step.
step() { # name, most seconds, command...
    local name=$1 most=$2 start status left file result passed
    shift 2
    if [ -n "$only" ]; then
        case " $only " in *" $name "*) ;; *) return ;; esac
    fi
    count=$((count + 1))
    file=$work/steps/$(printf '%03d' $count)
    left=$((budget - ($(now) - began) / 1000000))
    if [ "$left" -le 0 ]; then
        printf '{"name": "%s", "skipped": "no time left"}' "$name" >"$file"
        write_whole
        return
    fi
    [ "$most" -lt "$left" ] || most=$left
    echo "gpu-check: $name" >&2
    start=$(now)
    if command -v timeout >/dev/null && [ "$(type -t "$1")" != function ]; then
        timeout "$most" "$@" >"$work/out" 2>"$work/err"
    else
        "$@" >"$work/out" 2>"$work/err"
    fi
    status=$?
    [ "$status" = 0 ] && passed=true || { passed=false; failed=$((failed + 1)); echo "gpu-check: $name failed ($status)" >&2; }
    # A result is an object; whatever else was printed is kept as text.
    result=$(cat "$work/out")
    case "$result" in
    '') result=null ;;
    '{'*'}') ;;
    *) result=$(printf '%s' "$result" | tail -c 4000 | json_string) ;;
    esac
    {
        printf '{"name": "%s", "passed": %s, "status": %d, "seconds": %s, "command": %s, ' \
            "$name" "$passed" "$status" "$(seconds_since "$start")" "$(shown "$*" | json_string)"
        [ "$status" = 0 ] || printf '"error": %s, ' "$(tail -c 2000 "$work/err" | json_string)"
        printf '"result": %s}' "$result"
    } >"$file"
    write_whole
}

# Images of random bytes with random labels of ten classes, 3x32x32: training and test samples, as a safetensors file.
make_images() { # file, training samples, test samples
    local n=$2 m=$3 header pad i length octal classes=''
    local x=$((n * 3072)) t=$((m * 3072))
    header=$(printf '{"x":{"dtype":"U8","shape":[%d,3,32,32],"data_offsets":[0,%d]},' "$n" "$x")
    header+=$(printf '"y":{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]},' "$n" "$x" $((x + n)))
    header+=$(printf '"x_test":{"dtype":"U8","shape":[%d,3,32,32],"data_offsets":[%d,%d]},' "$m" $((x + n)) $((x + n + t)))
    header+=$(printf '"y_test":{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]}}' "$m" $((x + n + t)) $((x + n + t + m)))
    pad=$(((8 - ${#header} % 8) % 8))
    header+=$(printf '%*s' "$pad" '')
    # Command substitution keeps blanks at the end, but not where there is nothing else.
    length=${#header}
    for ((i = 0; i < 256; i++)); do
        printf -v octal '\\%03o' $((i % 10))
        classes+=$octal
    done
    {
        for i in 0 8 16 24 32 40 48 56; do printf "\\$(printf %03o $(((length >> i) & 255)))"; done
        printf '%s' "$header"
        head -c "$x" /dev/urandom
        head -c "$n" /dev/urandom | tr '\000-\377' "$classes"
        head -c "$t" /dev/urandom
        head -c "$m" /dev/urandom | tr '\000-\377' "$classes"
    } >"$1" || return 1
    printf '{"training": %d, "test": %d, "bytes": %d}\n' "$n" "$m" "$(wc -c <"$1")"
}

# Runs the paper's cell; the rounds' lines stand beside the summary.
run_cell() { # seconds, arguments of run...
    local most=$1 status lines
    shift
    if command -v timeout >/dev/null; then set -- timeout "$most" "$@"; fi
    "$@" --out "$work/cell" --json >"$work/summary"
    status=$?
    lines=$(paste -sd, "$work/cell/metrics.jsonl" 2>/dev/null)
    printf '{"summary": %s, "rounds": [%s]}\n' "$(cat "$work/summary" 2>/dev/null | grep . || echo null)" "$lines"
    return $status
}

if [ -n "$small" ]; then
    selftest=(--quick linear) bench=(--size small --min-time 0.01 fill-rademacher mlp-zo-round) profile_rounds=1
    halves=(--size small --min-time 0.01 resnet-forward)
    images=120 tests=20
    cell=(--set split.clients=6 --set model.width=4 --set split.high_share=0.34 --set warmup.batch=8 --set warmup.local_epochs=1)
    torch=(--clients 1 --probes 1 --batch 4 --width 4 --rounds 1 --device cpu)
    torch_mlp=(--clients 2 --batch 8 --rounds 1 --device cpu)
    torch_replay=(--d 10000 --n 3 --rounds 1 --device cpu)
else
    selftest=() bench=(--min-time 0.5) profile_rounds=1
    halves=(--min-time 0.3 resnet-forward-large resnet-zo-round vit-forward-large vit-zo-round)
    images=50000 tests=2000
    cell=()
    torch=(--clients 5 --probes 3 --batch 1000 --rounds 2 --device cuda)
    torch_mlp=(--clients 20 --batch 71 --rounds 10 --device cuda)
    torch_replay=(--rounds 3 --device cuda)
fi
data=$work/images.safetensors
cell+=(--set data.name=safetensors --set "data.path=$data" --set data.normalisation=cifar10)
config=$root/configs/cifar10-resnet18.toml
golden=$root/tests/golden

head_text=$(preamble)
step devices 60 "$zowarmup" devices --json
step selftest 150 "$zowarmup" selftest ${selftest[@]+"${selftest[@]}"} --json
step replay 60 "$zowarmup" replay --ledger "$golden/replay-small/ledger.jsonl" --base "$golden/replay-small/base.safetensors" --json
step verify 60 "$zowarmup" verify "$golden/resnet-group.safetensors" "$golden/vit.safetensors" --json
step data 60 make_images "$data" "$images" "$tests"
if "$zowarmup" tune --help >/dev/null 2>&1; then
    step tune 90 "$zowarmup" tune "$config" "${cell[@]}" --json
fi
step bench 200 "$zowarmup" bench ${bench[@]+"${bench[@]}"} --json
for precision in f16x3 f16; do
    step "bench-$precision" 60 "$zowarmup" bench "${halves[@]}" --precision "$precision" --json
done
step profile 120 "$zowarmup" profile "$config" "${cell[@]}" --cold --rounds "$profile_rounds" --json
step cell 180 run_cell 180 "$zowarmup" run "$config" "${cell[@]}" --set warmup.rounds=2 --set zo.rounds=2 --set eval.every=100
# The same with products of f16, at the epsilon that they want.
f16=(--set device.precision=f16 --set zo.epsilon=1e-3)
step tune-f16 90 "$zowarmup" tune "$config" "${cell[@]}" "${f16[@]}" --json
step profile-f16 120 "$zowarmup" profile "$config" "${cell[@]}" "${f16[@]}" --rounds "$profile_rounds" --json
rm -rf "$work/cell"
step cell-f16 180 run_cell 180 "$zowarmup" run "$config" "${cell[@]}" "${f16[@]}" --set warmup.rounds=2 --set zo.rounds=2 --set eval.every=100
if "$python" -c 'import torch' 2>/dev/null; then
    torch_round=("$python" "$root/tools/torch_round.py")
    step torch-zo 60 "${torch_round[@]}" --model resnet --norm batch "${torch[@]}"
    step torch-warmup 60 "${torch_round[@]}" --what warmup --model resnet --norm batch --minibatch 64 --local-epochs 3 "${torch[@]}"
    if [ -z "$small" ]; then
        step torch-zo-tf32 60 "${torch_round[@]}" --model resnet --norm batch "${torch[@]}" --precision tf32
        step torch-warmup-tf32 60 "${torch_round[@]}" --what warmup --model resnet --norm batch --minibatch 64 --local-epochs 3 "${torch[@]}" --precision tf32
        step torch-zo-vit 60 "${torch_round[@]}" --model vit "${torch[@]}"
    fi
    step torch-mlp 60 "${torch_round[@]}" --mode vmap --model mlp --probes 3 "${torch_mlp[@]}"
    step torch-replay 60 "${torch_round[@]}" --what replay "${torch_replay[@]}"
else
    echo "gpu-check: $python has no torch: nothing is measured beside the engine" >&2
fi
write_whole
echo "gpu-check: $count steps, $failed failed, $(seconds_since "$began") s: $out" >&2
[ "$failed" = 0 ]
