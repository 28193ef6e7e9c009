#!/usr/bin/env bash
# A throw-away Citus cluster of three servers on loopback, for REGULARS_TEST_CITUS, where Citus is installed.
#   scripts/citus.sh start DIR   make and start it, print the addresses of its coordinator and workers
#   scripts/citus.sh stop DIR    stop it and remove DIR
set -euo pipefail
verb=${1:?start or stop} dir=${2:?folder}
servers=(coordinator worker1 worker2)

case $verb in
start)
	ls /usr/share/postgresql/*/extension/citus.control >/dev/null 2>&1 \
		|| { echo "Citus is not installed; Debian has no package of it, see https://github.com/citusdata/citus" >&2; exit 1; }
	mkdir -p "$dir"
	chmod 711 "$dir"
	all=()
	for server in "${servers[@]}"; do
		all+=("$(OPTIONS="-c shared_preload_libraries=citus -c wal_level=logical -c max_prepared_transactions=400 \
			-c max_worker_processes=100 -c citus.shard_count=8 -c citus.node_conninfo=sslmode=disable \
			-c citus.max_cached_conns_per_worker=1 -c citus.enable_statistics_collection=off" \
			"$(dirname "$0")/postgres.sh" start "$dir/$server")")
	done
	(IFS=,; echo "${all[*]}")
	;;
stop)
	for server in "${servers[@]}"; do "$(dirname "$0")/postgres.sh" stop "$dir/$server"; done
	rm -rf "$dir"
	;;
*) echo "start or stop" >&2; exit 2 ;;
esac
