#!/usr/bin/env bash
# Runs every fuzz target for a short time; FUZZTIME changes it.
set -euo pipefail
cd "$(dirname "$0")/.."
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}
git grep -oE --untracked '^func Fuzz\w+' -- '*_test.go' | while IFS=: read -r file found; do
	target=${found#func }
	echo "$(dirname "$file") $target"
	go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-20s}" </dev/null
done
