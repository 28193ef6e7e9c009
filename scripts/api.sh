#!/usr/bin/env bash
# The API's document under the eyes of others.
#   scripts/api.sh check     an independent linter reads it; the client fits it
#   scripts/api.sh generate  writes the tests' client anew
set -euo pipefail
cd "$(dirname "$0")/.."
redocly=2.77.0

generate() { # into a file
	(cd internal/testkit/apiclient && GOFLAGS=-trimpath go tool -modfile=../../../tools/go.mod oapi-codegen -config generate.yaml -o "$1" openapi-3.0.json)
}

case ${1:-check} in
generate)
	generate client.gen.go
	;;
check)
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	generate "$tmp/client.gen.go"
	cmp -s "$tmp/client.gen.go" internal/testkit/apiclient/client.gen.go || {
		echo "The client in internal/testkit/apiclient is not of the API's document; run: make golden" >&2
		exit 1
	}
	dir=${XDG_CACHE_HOME:-$HOME/.cache}/regulars/redocly-$redocly # fetched once, outside of the checkout
	if [ ! -e "$dir/done" ]; then
		mkdir -p "$dir"
		for try in 1 2 3; do
			timeout 240 npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefer-offline --prefix "$dir" "@redocly/cli@$redocly" >/dev/null && break
			[ "$try" -lt 3 ] || { echo "The linter of the API's document could not be fetched from npm" >&2; exit 1; }
		done
		touch "$dir/done"
	fi
	REDOCLY_TELEMETRY=off "$dir/node_modules/.bin/redocly" lint --config scripts/api-lint.yaml docs/openapi.json >"$tmp/said" 2>&1 || {
		cat "$tmp/said" >&2
		exit 1
	}
	;;
*)
	echo "scripts/api.sh check|generate" >&2
	exit 2
	;;
esac
