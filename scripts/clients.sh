#!/usr/bin/env bash
# Fetches the tracking clients that the tests of doors/collect run, in pinned
# versions, into a cache outside of the checkout, and prints its folder. What is
# there already is not fetched again.
set -euo pipefail
cd "$(dirname "$0")/.."

node=2.2.1
next=1.84.3
dir=${XDG_CACHE_HOME:-$HOME/.cache}/regulars/clients-$node-$next

if [ ! -e "$dir/done" ]; then
	scripts/need.sh node >&2
	echo "fetching the tracking clients" >&2
	mkdir -p "$dir"
	npm install --prefix "$dir" --silent --no-audit --no-fund --no-save --ignore-scripts \
		"@segment/analytics-node@$node" "@segment/analytics-next@$next" >&2
	touch "$dir/done"
fi
echo "$dir"
