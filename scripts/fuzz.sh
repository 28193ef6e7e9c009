#!/usr/bin/env bash
# Runs every fuzz target for a short time; FUZZTIME changes it. What it finds
# is left in testdata/fuzz, to be committed with the mend.
set -euo pipefail
cd "$(dirname "$0")/.."
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

git grep -oE --untracked '^func Fuzz\w+' -- '*_test.go' | while IFS=: read -r file found; do
	target=${found#func } package=./$(dirname "$file")
	echo "$package $target"
	if ! go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" </dev/null >"$out" 2>&1; then
		# Go now and then calls the end of the time itself a failure.
		if grep -q 'Failing input written' "$out" || ! grep -q '^ *context deadline exceeded$' "$out"; then
			cat "$out" >&2
			exit 1
		fi
	fi
	grep -E 'execs' "$out" | tail -n 1 || true
done
