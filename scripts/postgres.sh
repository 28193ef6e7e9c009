#!/usr/bin/env bash
# A throw-away PostgreSQL for tests and benches, on loopback.
#   scripts/postgres.sh start DIR   make a cluster in DIR, start it, print its address
#   scripts/postgres.sh restart DIR stop it as a crash would, and start it again
#   scripts/postgres.sh pause DIR   stop it and keep DIR; resume starts it again and prints its address
#   scripts/postgres.sh stop DIR    stop it and remove DIR
# Nothing in it outlives DIR; fsync is off unless SYNC=on, so never keep data in it. OPTIONS are passed on to the server.
set -euo pipefail
verb=${1:?start or stop} dir=${2:?folder}

bin=$(dirname "$(readlink -f "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)")")
[ -x "$bin/initdb" ] || { echo "PostgreSQL's initdb is not installed: apt-get install postgresql" >&2; exit 1; }

# PostgreSQL refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || useradd --system --no-create-home postgres
	as=(runuser -u postgres --)
fi

case $verb in
start)
	mkdir -p "$dir"
	[ "$(id -u)" = 0 ] && chown postgres "$dir"
	chmod 711 "$dir"
	"${as[@]}" "$bin/initdb" -D "$dir/data" -U regulars -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 \
		|| { cat "$dir/initdb.log" >&2; exit 1; }
	port=$(( 20000 + RANDOM % 20000 ))
	for _ in 1 2 3 4 5; do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
		port=$(( 20000 + RANDOM % 20000 ))
	done
	options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=${SYNC:-off} -c synchronous_commit=on -c full_page_writes=${SYNC:-off} -c max_connections=300 -c shared_buffers=256MB -c max_wal_size=2GB -c deadlock_timeout=100ms ${OPTIONS:-}"
	printf '%s' "$options" >"$dir/options"
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/data/server.log" \
		-o "$options" \
		start >/dev/null
	echo "postgres://regulars@127.0.0.1:$port/postgres?sslmode=disable"
	;;
restart)
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 60 -l "$dir/data/server.log" -o "$(cat "$dir/options")" restart >/dev/null
	;;
pause)
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m fast -w stop >/dev/null
	;;
resume)
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/data/server.log" -o "$(cat "$dir/options")" start >/dev/null
	echo "postgres://regulars@127.0.0.1:$(sed 's/^-p \([0-9]*\).*/\1/' "$dir/options")/postgres?sslmode=disable"
	;;
stop)
	"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$dir"
	;;
*) echo "start, restart, pause, resume or stop" >&2; exit 2 ;;
esac
