# One command a habit; `make help` lists them. CI calls `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test lint vuln sizes format golden fuzz bench bench-report bench-collect bench-pages torture assets deb clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unreleased)

# What runs goroutines of its own. The race detector runs over these, with
# -short: SQLite in Go is 25 to 50 times slower under it.
RACE := $(wildcard internal/platform/store internal/platform/jobs internal/platform/locale \
	internal/platform/web internal/know/timeline internal/know/facts internal/measure/retention \
	internal/doors/importers internal/doors/collect)
export RACE

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: build ## build, make a demo store and serve it at http://localhost:8080
	bin/regulars demo --serve

build: ## build the program into bin/regulars, one static file
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o bin/regulars ./cmd/regulars

test: ## everything CI checks: format, vet, lint, tests on both engines, browser, races
	@scripts/test.sh

lint: ## format, vet and staticcheck alone
	@scripts/lint.sh

vuln: ## known faults in what the program is built of; VULNDB=latest asks by the newest list
	@scripts/vuln.sh

sizes: ## the longest files and functions, for a person to judge
	@go test -count=1 -run TestSizes -v ./internal/app | grep -v '^[=-]'

format: ## format all Go files
	gofmt -s -w cmd internal

golden: ## rewrite the golden files (the schema, …) after a wanted change
	@scripts/with-postgres.sh scripts/golden.sh

fuzz: ## every fuzz target for FUZZTIME (20s)
	@scripts/fuzz.sh

bench: ## the measurements explained in docs, on both engines
	@scripts/with-postgres.sh scripts/bench.sh

bench-report: ## regulars report beside DuckDB and pandas, on ten million orders; takes minutes
	@scripts/bench-report.sh

bench-collect: ## what the door of tracking clients bears, on SQLite and PostgreSQL, with the load beside
	@scripts/bench-collect.sh

bench-pages: ## pages over a million customers, with 8 clients at once, on both engines; takes long at first
	@scripts/bench-pages.sh

torture: ## REGULARS_TORTURE (1000) kills an engine during import, collecting, page writes and jobs; takes long
	@REGULARS_TORTURE=$${REGULARS_TORTURE:-1000} scripts/with-postgres.sh go test -count=1 -timeout 0 -v -run 'KilledWorkers|SurvivesAnyDeath|SurviveAnyDeath|WhateverIsKilled' ./internal/platform/jobs ./internal/doors/importers ./internal/doors/collect ./internal/app

deb: build ## a Debian package in bin, of the program, its service and settings
	@scripts/deb.sh $(VERSION)

assets: ## fetch the vendored CSS, icons and scripts again from npm
	scripts/assets.sh

clean: ## remove what was built
	rm -rf bin
