#!/usr/bin/env bash
# gofmt, go vet and staticcheck, as staticcheck.conf says.
set -euo pipefail
cd "$(dirname "$0")/.."

untidy=$(gofmt -s -l cmd internal)
if [ -n "$untidy" ]; then
	printf '%s\n' "These files are not formatted; run: make format" "$untidy" >&2
	exit 1
fi
go vet ./...
go tool -modfile=tools/go.mod staticcheck ./...
