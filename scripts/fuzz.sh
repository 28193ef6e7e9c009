#!/usr/bin/env bash
# Runs every fuzz target for a short time; FUZZTIME changes it. What it finds
# is left in testdata/fuzz, to be committed with the mend.
# A package is built once for all its targets: building takes longer than a second of fuzzing.
set -euo pipefail
cd "$(dirname "$0")/.."
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$(go env GOCACHE)/fuzz/regulars # where go test -fuzz keeps what it found interesting

git grep -oE --untracked '^func Fuzz\w+' -- '*_test.go' | sed -E 's|/[^/]*:func | |' | sort |
while read -r folder target; do
	echo "./$folder $target"
	test=$work/${folder//\//-}
	[ -x "$test" ] || go test -c -fuzz . -o "$test" "./$folder"
	if ! (cd "$folder" && "$test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "${FUZZTIME:-20s}" \
		-test.fuzzcachedir "$found/$folder") </dev/null >"$work/out" 2>&1; then
		# Go now and then calls the end of the time itself a failure.
		if grep -q 'Failing input written' "$work/out" || ! grep -q '^ *context deadline exceeded$' "$work/out"; then
			cat "$work/out" >&2
			exit 1
		fi
	fi
	grep -E 'execs' "$work/out" | tail -n 1 || true
done
