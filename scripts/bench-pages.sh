#!/usr/bin/env bash
# How long people wait for pages over 1,000,000 customers with 10,000,000
# orders, with 8 clients at once, on SQLite and on PostgreSQL. The databases are
# kept in REGULARS_BENCH (~/.cache/regulars-bench) between runs: making them
# takes a quarter of an hour each. ORDERS and CUSTOMERS make it smaller, ENGINES
# chooses (sqlite postgres), FOR is how long each page is asked for.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${REGULARS_BENCH:-$HOME/.cache/regulars-bench}
orders=${ORDERS:-10000000} customers=${CUSTOMERS:-1000000}
file="$cache/shop-$orders-$customers.csv"
mkdir -p "$cache"
make -s build
go build -o bin/bench-pages ./bench/pages
if [ ! -f "$file" ]; then
	go run ./bench/generate -phones -orders "$orders" -customers "$customers" -out "$file.part"
	mv "$file.part" "$file"
fi

server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; [ -z "${cluster:-}" ] || scripts/postgres.sh pause "$cluster"' EXIT

# ask DATABASE: serves it and asks for pages.
ask() {
	local db=$1 port=$((20000 + RANDOM % 20000)) password
	password="bench $RANDOM $RANDOM words"
	bin/regulars --db "$db" --log error user add bench@example.com --name Bench --role owner <<<"$password" >/dev/null 2>&1 ||
		bin/regulars --db "$db" --log error user password bench@example.com <<<"$password" >/dev/null
	REGULARS_METRICS_TOKEN=$password bin/regulars --db "$db" --log error serve --addr "127.0.0.1:$port" >/dev/null &
	server=$!
	for _ in $(seq 200); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
		sleep 0.05
	done
	bin/bench-pages -url "http://127.0.0.1:$port" -password "$password" -metrics "$password" -for "${FOR:-10s}" -customers "$customers"
	awk '/^VmHWM/ { printf "memory at its most                   %10.0f MB\n", $2 / 1000 }' "/proc/$server/status"
	kill "$server" && wait "$server" || true
	server=
}

for engine in ${ENGINES:-sqlite postgres}; do
	echo
	echo "$customers customers, $orders orders, $engine"
	case $engine in
	sqlite)
		db="$cache/pages-$orders-$customers.db"
		export REGULARS_KEY_FILE="$cache/pages.key"
		if [ ! -f "$db" ]; then
			rm -f "$db.part"*
			bin/regulars --db "$db.part" --log error import --currency EUR "$file"
			mv "$db.part" "$db"
		fi
		ask "$db"
		;;
	postgres)
		scripts/need.sh postgres
		export REGULARS_KEY_FILE="$cache/pages-pg.key"
		cluster="${REGULARS_BENCH_PG:-/var/tmp/regulars-bench-pg-$orders-$customers}" # a folder that the server's own user may enter
		if [ ! -f "$cluster/filled" ]; then
			rm -rf "$cluster"
			db=$(SYNC=on scripts/postgres.sh start "$cluster")
			bin/regulars --db "$db" --log error import --currency EUR "$file"
			psql "$db" -qc 'vacuum analyze' && touch "$cluster/filled"
		else
			db=$(scripts/postgres.sh resume "$cluster")
		fi
		ask "$db"
		scripts/postgres.sh pause "$cluster"
		cluster=
		;;
	esac
done
