#!/usr/bin/env bash
# All that must hold before a change lands. It ends with go test's own lines.
# REGULARS_DATA names the folder of the real stores' files.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}

if [ -z "${REGULARS_TEST_POSTGRES:-}" ]; then
	exec scripts/with-postgres.sh "$0"
fi
scripts/need.sh browser race node
REGULARS_CLIENTS=$(scripts/clients.sh)
export REGULARS_CLIENTS
export CGO_ENABLED=0        # as the program is built; the race detector alone needs C
export REGULARS_BROWSER=must # a browser that is missing must not skip its tests in silence

step() { printf '%s  %s\n' "$(date +%T)" "$*"; }

step "format, vet, staticcheck"
scripts/lint.sh
step "the API's document, read by others"
scripts/api.sh check
step "known faults in what we build on"
scripts/vuln.sh
step "one static binary"
make -s build
step "races, on little data: ${RACE:-none}"
[ -z "${RACE:-}" ] || CGO_ENABLED=1 go test -race -short -timeout 10m $(printf './%s ' $RACE)
step "every parser of outside bytes, a second of fuzzing each"
FUZZTIME=${FUZZTIME:-1s} scripts/fuzz.sh >/dev/null
step "all tests, on both engines and in a browser"
REGULARS_STATEMENTS=$(mktemp -d) # every statement that a test runs is left there
export REGULARS_STATEMENTS
trap 'rm -rf "$REGULARS_STATEMENTS"' EXIT
go test -timeout 20m ./...
step "every statement that was run, against what Citus can do"
REGULARS_STATEMENTS_OF=$REGULARS_STATEMENTS REGULARS_STATEMENTS='' go test -count=1 -v -run EveryStatementThatWasRun ./internal/app
