#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL in REGULARS_TEST_POSTGRES, and
# takes the server away when it ends, however it ends. A server that is named
# already is used as it is.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${REGULARS_TEST_POSTGRES:-}" ]; then
	"$here/need.sh" postgres
	dir=$(mktemp -d)
	trap 'cd / && "$here/postgres.sh" stop "$dir"' EXIT
	trap 'exit 130' INT TERM HUP
	REGULARS_TEST_POSTGRES=$(cd / && "$here/postgres.sh" start "$dir")
	export REGULARS_TEST_POSTGRES
fi
"$@"
