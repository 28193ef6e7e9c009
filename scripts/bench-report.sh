#!/usr/bin/env bash
# regulars report beside DuckDB and pandas with scipy, on Online Retail and on
# a generated file of 10,000,000 orders by 1,000,000 customers. Files and
# programs to compare with are kept in REGULARS_BENCH (~/.cache/regulars-bench).
# ORDERS and CUSTOMERS make it smaller, RUNS repeats ours and DuckDB's (best
# counts), SKIP=pandas leaves what takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${REGULARS_DATA:-$PWD/../shared/data}
cache=${REGULARS_BENCH:-$HOME/.cache/regulars-bench}
orders=${ORDERS:-10000000} customers=${CUSTOMERS:-1000000} runs=${RUNS:-2} skip=${SKIP:-}
mkdir -p "$cache"

scripts/need.sh zstd
[ "$skip" = pandas ] || scripts/need.sh pandas
python=/usr/bin/python3
[ -d "$cache/node_modules/@duckdb/node-api" ] ||
	(cd "$cache" && npm install --silent --no-save --no-audit --no-fund --prefix . @duckdb/node-api@1.5.6-r.1)
big="$cache/orders-$orders-$customers.csv"
if [ ! -f "$big" ]; then
	go run ./bench/generate -orders "$orders" -customers "$customers" -out "$big.part"
	mv "$big.part" "$big"
fi
retail="$cache/online_retail.csv"
[ -f "$retail" ] || zstd -dqf "$data/online_retail.csv.zst" -o "$retail"
make -s build

# measured NAME COMMAND… writes output, wall, CPU seconds and peak memory.
measured() {
	local name=$1
	shift
	"$python" - "$cache/$name.json" "$@" <<'PY'
import json, os, resource, subprocess, sys, time
began = time.perf_counter()
run = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE)
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if run.returncode:
    sys.exit(f"{sys.argv[2]} ended with {run.returncode}")
with open(sys.argv[1], "w") as out:
    json.dump({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024, "said": json.loads(run.stdout)}, out)
PY
}

here=$PWD
for file in retail orders; do
	path=$retail
	[ $file = retail ] || path=$big
	cat "$path" >/dev/null # into the memory of the system, for all alike
	for n in $(seq "$runs"); do
		measured "regulars-$file-$n" bin/regulars report "$path" --json
		measured "all-$file-$n" bin/regulars report "$path" --json --models all --backtest
		for mode in csv table; do
			(cd "$cache" && measured "duckdb-$mode-$file-$n" node "$here/bench/duckdb.mjs" "$path" $file $mode)
		done
	done
	[ "$skip" = pandas ] || measured "pandas-$file-1" "$python" bench/pandas_report.py "$path" $file
done
"$python" bench/compare.py "$cache" "$runs" "$skip"
