#!/usr/bin/env bash
# What the door of tracking clients bears, on SQLite and on a PostgreSQL that
# syncs to disk, with the load on the same machine. SECONDS_EACH is how long
# each load lasts (10), ENGINES which databases ("sqlite postgres").
set -euo pipefail
cd "$(dirname "$0")/.."

CGO_ENABLED=0 go build -trimpath -buildvcs=false -o bin/regulars ./cmd/regulars
dir=$(mktemp -d "${TMPDIR:-/tmp}/regulars-bench.XXXXXX")
chmod 711 "$dir"
server= cluster=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$cluster" ] || (cd / && "$OLDPWD/scripts/postgres.sh" stop "$cluster") || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP
go build -o "$dir/bench" ./bench/collect

for engine in ${ENGINES:-sqlite postgres}; do
	db=$dir/bench.db
	if [ "$engine" = postgres ]; then
		scripts/need.sh postgres
		cluster=$dir/cluster
		db=$(SYNC=on scripts/postgres.sh start "$cluster")
	fi
	port=$((20000 + RANDOM % 20000))
	bin/regulars --db "$db" --key-file "$dir/key" --log warn serve --addr "127.0.0.1:$port" >"$dir/out" 2>&1 &
	server=$!
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		kill -0 "$server" 2>/dev/null || { cat "$dir/out" >&2; exit 1; }
		sleep 0.05
	done
	echo "== $engine, synced to disk"
	"$dir/bench" -db "$db" -key "$dir/key" -addr "127.0.0.1:$port" -pid "$server" -seconds "${SECONDS_EACH:-10}" | column -t -s "$(printf '\t')"
	kill "$server" && wait "$server" || true
	server=
done
