#!/usr/bin/env bash
# The program's own measures (size, start, idle memory, lightest page), then the Go
# benchmarks on both engines. BENCH narrows the latter by name.
set -euo pipefail
cd "$(dirname "$0")/.."
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}

make -s build
printf 'binary size\t%.1f MB\n' "$(stat -c %s bin/regulars | awk '{ print $1 / 1e6 }')"

dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT

go build -o "$dir/pages" ./bench/pages
# start NAME [ask]: how long until a page is answered, and the memory it then
# holds; with ask, how many of the lightest pages it answers a second, 8 clients
# beside it.
start() {
	local port=$((20000 + RANDOM % 20000)) began ended
	began=$(date +%s%N)
	bin/regulars --db "$dir/bench.db" --log error serve --addr "127.0.0.1:$port" >"$dir/out" 2>&1 &
	server=$!
	until (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && head -c 1 <&3 | grep -q H) 2>/dev/null; do
		kill -0 "$server" 2>/dev/null || { cat "$dir/out" >&2; exit 1; }
		sleep 0.005
	done
	ended=$(date +%s%N)
	printf 'start to first page, %s\t%d ms\n' "$1" $(((ended - began) / 1000000))
	sleep 3
	printf 'memory when idle\t%.1f MB\n' "$(awk '/^VmRSS/ { print $2 / 1000 }' "/proc/$server/status")"
	[ -z "${2:-}" ] || "$dir/pages" -lightest -url "http://127.0.0.1:$port" -for 5s
	kill "$server" && wait "$server" || true
	server=
}
start "new database"
start "database that exists" ask

packages=$(git grep -lE --untracked '^func Benchmark' -- '*_test.go' | xargs -rn 1 dirname | sort -u | sed 's|^|./|')
[ -z "$packages" ] || go test -run '^$' -bench "${BENCH:-.}" -benchtime "${BENCHTIME:-1s}" -timeout 0 $packages
