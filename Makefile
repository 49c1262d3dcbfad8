# `make run` and `make test` set everything up on a machine with Python 3.11 to 3.14, make and git.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test lint demo walkthrough bench promises lock format openapi clean \
	runtime-environment dev-environment demo-environment \
	lint-code lint-architecture lint-dependencies lint-migrations lint-image lint-openapi

BIN := .venv/bin
CODE := $(wildcard src tests benchmarks)
PORT ?= 8000
ARGS ?=
export PORT
export PYTHON

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

run: runtime-environment ## start the engine with its own database and a demo program; PORT=8000
	@exec $(BIN)/loyalty serve --example

test: dev-environment ## run all tests; ARGS="-k earn" for some
	@$(BIN)/python -m pytest $(ARGS)

lint: lint-code lint-architecture lint-dependencies lint-migrations lint-image lint-openapi ## check all that a machine can check

format: dev-environment ## format the code and mend what is safe to mend
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format

demo: demo-environment ## replay a supermarket's receipts; ARGS=--all for the year
	@exec $(BIN)/loyalty demo $(ARGS)

walkthrough: ## walk through a first earn and redeem against the server of `make run`
	@sh examples/walkthrough.sh

bench: dev-environment ## measure the speed bars
	@$(BIN)/python -m benchmarks $(ARGS)

promises: dev-environment ## prove the promises at their full sizes
	@LOYALTY_PROMISES=full $(BIN)/python -m pytest tests/promises tests/model $(ARGS)

openapi: dev-environment ## write openapi/openapi.json and docs/errors.md anew
	@$(BIN)/loyalty openapi --output openapi/openapi.json
	@$(BIN)/loyalty errors --output docs/errors.md

LOCK := $(BIN)/uv --no-config pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --group build

lock: dev-environment ## write the locks anew from pyproject.toml; ARGS=--upgrade for the newest versions
	@$(LOCK) --output-file requirements.lock $(ARGS) > /dev/null
	@$(LOCK) --group dev --constraints requirements.lock --output-file requirements-dev.lock $(ARGS) > /dev/null
	@$(LOCK) --extra demo --constraints requirements-dev.lock --output-file requirements-demo.lock $(ARGS) > /dev/null

clean: ## remove everything that the commands above made here
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests benchmarks migrations -name __pycache__ -prune -exec rm -rf {} + 2> /dev/null || true

runtime-environment:
	@sh tools/environment.sh runtime

dev-environment:
	@sh tools/environment.sh dev

demo-environment:
	@sh tools/environment.sh demo

lint-code: dev-environment
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy $(CODE)

lint-architecture: dev-environment
	@$(BIN)/lint-imports --no-logo

lint-dependencies: dev-environment
	@$(BIN)/deptry src migrations

lint-migrations: dev-environment
	@sh tools/lint_migrations.sh

lint-image: dev-environment
	@$(BIN)/hadolint Dockerfile

NPX := NPM_CONFIG_UPDATE_NOTIFIER=false REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npx --yes

lint-openapi:
	@command -v npx > /dev/null || { echo "loyalty: checking openapi.json needs npx (Node.js 20.19 or later)" >&2; exit 1; }
	@$(NPX) @redocly/cli@2.77.0 lint openapi/openapi.json
