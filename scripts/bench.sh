#!/usr/bin/env bash
# The measurements that docs/measured.md explains. BENCH narrows them by name.
set -euo pipefail
cd "$(dirname "$0")/.."
export REGULARS_DATA=${REGULARS_DATA:-$PWD/../shared/data}
make -s build
printf 'binary\t%d bytes\n' "$(stat -c %s bin/regulars)"
go test -run '^$' -bench "${BENCH:-.}" -benchtime "${BENCHTIME:-1s}" -timeout 0 $(git grep -lE --untracked '^func Benchmark' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|')
