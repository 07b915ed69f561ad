#!/usr/bin/env bash
# The paper's tables made small (configs/small), one after another, as bench/results/small has them.
#
#     tools/small-tables.sh [OUT]                              default: small-tables
#
# Writes OUT/digits/TABLE.md and .csv (a line a run, with its seed), the same in OUT/fashion, and OUT/README.md: what was run, with which
# program, where, and the time of each. A table that fails is named there, the next begins, and the exit status is 1.
#
# ZOWARMUP                the binary [target/release/zowarmup]
# ZOWARMUP_DEVICE         as everywhere: which adapter
# FASHION_MNIST           the folder of Fashion-MNIST's files [data/fashion-mnist of the project]; where it isn't there, digits alone are run
# SMALL_TABLES            only these, such as "table2 figure4"
set -u
export LC_ALL=C XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zowarmup=$(realpath "${ZOWARMUP:-$root/target/release/zowarmup}")
fashion=$(realpath -m "${FASHION_MNIST:-$root/data/fashion-mnist}")
tables=${SMALL_TABLES:-table1 table2 table3 table4 table5 table6 table7 figure3 figure4 figure6 figure7}
[ -x "$zowarmup" ] || { echo "small-tables: no program at $zowarmup: build it (cargo build --release) or set ZOWARMUP" >&2; exit 2; }
mkdir -p "${1:-small-tables}/digits" || exit 2
out=$(realpath "${1:-small-tables}")
work=$(mktemp -d "${TMPDIR:-/tmp}/small-tables.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

failed=0 rows="" began=$SECONDS
TIMEFORMAT='%R %U %S'
one() { # folder, table, config's folder, further arguments
    local folder=$1 table=$2 configs=$3 seconds user system status
    shift 3
    local file=$out/$folder/$table
    { time "$zowarmup" reproduce "$table" --small "$@" --quiet --csv "$file.csv" --force >"$file.md" 2>"$work/log"; } 2>"$work/time"
    status=$?
    read -r seconds user system <"$work/time"
    if [ "$status" -ne 0 ]; then
        failed=1
        echo "$folder/$table: exit status $status: $(tail -n 1 "$work/log")" >&2
    fi
    local runs seeds config=$configs/$table.toml
    runs=$(grep -c ',done,' "$file.csv")
    seeds=$(sed -n 's/^seeds = //p' "$root/$config" | tr -d '"')
    rows+="| [$folder/$table]($folder/$table.md) | [$config](../../../$config) | ${seeds:-0} | $runs | $seconds | $(printf '%.1f' "$(echo "$user $system" | awk '{ print $1 + $2 }')") |"$'\n'
    echo "$folder/$table: $runs runs, $seconds s, CPU $user s" >&2
}
for table in $tables; do
    one digits "$table" configs/small
done
if [ -d "$fashion" ]; then
    mkdir -p "$out/fashion" || exit 2
    for table in $tables; do
        one fashion "$table" configs/small/fashion --fashion --set "data.path=$fashion"
    done
else
    echo "small-tables: no Fashion-MNIST at $fashion: digits alone" >&2
fi

adapter=$("$zowarmup" devices 2>/dev/null | sed -n 's/^\* would be picked: //p')
driver=$("$zowarmup" devices 2>/dev/null | sed -n 's/^ *driver: //p')
cat >"$out/README.md" <<END
# The paper's tables, made small

Each is \`zowarmup reproduce TABLE --small\` (with \`--fashion\`: Fashion-MNIST), all of them one after another by \`tools/small-tables.sh bench/results/small\`:
$((SECONDS - began)) s of $(nproc) cores in all.

| | |
|---|---|
| program | $("$zowarmup" --version) |
| date | $(date -u +%Y-%m-%d) |
| system | $(uname -sm), $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1) |
| adapter | ${adapter:-unknown}, driver ${driver:-unknown} |

The paper's values stand in the last column of each; they are of a ResNet18 or a ViT on CIFAR-10, these of an MLP or a transformer of one block on digits and some images of Fashion-MNIST, so what can
agree is the order. The \`.csv\` of a table has a line a run, with its seed; \`seeds\` below are the table's. Figures are those of the last round. Rates and sizes
were tried out on these sets before; those of table 5 by the test accuracy of seed 0, which its rows have: they are better by what such a choice brings.

| table | config | seeds | runs done | seconds | CPU seconds |
|---|---|---|---:|---:|---:|
${rows%$'\n'}
END
exit "$failed"
