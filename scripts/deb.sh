#!/usr/bin/env bash
# Makes bin/regulars_VERSION_ARCH.deb of what make build has built.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-0.0.0}
version=${version#v}
[[ $version =~ ^[0-9]+\.[0-9] ]] || version="0.0.0+$version"
VERSION=$version ARCH=$(go env GOARCH) go tool -modfile=tools/go.mod nfpm package --config deploy/nfpm.yaml --packager deb --target bin
