#!/usr/bin/env bash
# Rewrites the golden files: runs the tests of each package whose tests know
# the flag -update.
set -euo pipefail
cd "$(dirname "$0")/.."
for package in $(git grep -lE --untracked 'flag\.Bool\("update"' -- '*_test.go' | xargs -n 1 dirname | sort -u); do
	go test -count=1 "./$package" -run Golden -update
done
scripts/api.sh generate
git --no-pager diff --stat -- '*golden*' '*testdata*'
