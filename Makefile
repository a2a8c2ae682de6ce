# RTSM: everything a person or a CI machine does with this checkout.
# `make` lists the targets. `make demo` and `make test` need nothing but Debian with make.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo serve test check fmt lock bench chdb services gateway secrets clean

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header
# Two at a time: much of a run is waiting for servers that start, stop and are killed.
PYTEST_ARGS ?= -n 2 --dist loadfile

help:  ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name what; do printf '  make %-9s %s\n' "$$name" "$$what"; done

demo: .venv/runtime.stamp  ## install what runs, load the circular's visits, serve the report cards
	$(BIN)/rtsm demo $(ARGS)

serve: .venv/runtime.stamp  ## serve all four services from ./data (ARGS="--port 9000")
	$(BIN)/rtsm serve $(ARGS)

test: services check  ## everything: install the services tests need, lint, types, walls, then all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: .venv/development.stamp  ## lint, format, types, import walls, spelling, Dockerfile, compose file
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell --toml pyproject.toml
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

fmt: .venv/development.stamp  ## format, and mend what the linter can mend
	$(BIN)/ruff check --quiet --fix . || true
	$(BIN)/ruff format .

BENCHMARKS ?= intake imports fold figures freshness memory
bench: services  ## the benchmarks, both sides of each ratio in one run (BENCHMARKS="fold figures")
	@for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python -m tests.benchmarks.$$name || exit 1; done

chdb: .venv/benchmarks.stamp  ## install ClickHouse, for the one benchmark that compares with it

services: .venv/development.stamp  ## install PostgreSQL, Redis, Kafka, Kannel, Chromium, Caddy, fonts
	$(BIN)/python -m tests.support.install

gateway: .venv/runtime.stamp  ## write deploy/Caddyfile from deploy/routes.toml
	$(BIN)/python -m deploy.gateway

secrets:  ## make the passwords docker-compose.yml reads, where there are none
	$(PYTHON) -m deploy.passwords

lock: .venv/development.stamp  ## resolve requirements/*.in again into hash-pinned *.txt
	$(LOCK) --upgrade requirements/runtime.in -o requirements/runtime.txt
	$(LOCK) --upgrade requirements/development.in -c requirements/runtime.txt -o requirements/development.txt
	$(LOCK) --upgrade requirements/benchmarks.in -c requirements/runtime.txt -c requirements/development.txt -o requirements/benchmarks.txt

clean:  ## remove the virtual environment and caches; ./data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the virtual environment ---------------------------------------------------------------------

# Debian keeps ensurepip in python3-venv: without it a half made environment would be left behind.
.venv/bin/pip:
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  $(APT) update -qq && $(APT) install -y -qq --no-install-recommends python3 python3-venv; fi
	rm -rf .venv
	$(or $(PYTHON),python3) -c 'import sys; assert sys.version_info >= (3, 11), "RTSM needs Python 3.11 or newer"'
	$(or $(PYTHON),python3) -m venv .venv

.venv/runtime.stamp: requirements/runtime.txt pyproject.toml | .venv/bin/pip
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/development.stamp: requirements/development.txt .venv/runtime.stamp
	$(PIP) install --require-hashes -r requirements/development.txt
	@touch $@

.venv/benchmarks.stamp: requirements/benchmarks.txt .venv/development.stamp
	$(PIP) install --require-hashes -r requirements/benchmarks.txt
	@touch $@
