# The front door: `make` alone explains the targets.
RUNLEDGER = .build/release/runledger
export RUNLEDGER_FOLDER ?= .runledger

.DEFAULT_GOAL := help
.PHONY: help setup build demo run test lint format tidy db-start db-stop db-status psql bench clean ci

help: ## Explain the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: ## Install what is missing: PostgreSQL and its client library; check the Swift toolchain
	@scripts/setup

build: setup ## Build the release executable
	@scripts/build release --product runledger

demo: build ## See every kind of provider, a webhook, refusals, the ledger verified; takes a minute, leaves nothing running
	@$(RUNLEDGER) demo

run: build ## Start database, simulator and service, print URL, key and curl lines, and stay up until Ctrl-C
	@$(RUNLEDGER) up

test: ## Run every test, against PostgreSQL clusters that it starts and stops
	@scripts/setup
	@scripts/test

lint: ## Check format, house rules, scripts and compose file
	@scripts/setup lint
	@scripts/lint

format: ## Format the Swift sources in place
	@swift format --in-place --parallel --recursive Sources Tests Package.swift

tidy: ## Check the house rules alone
	@scripts/tidy

db-start: build ## Start the private PostgreSQL cluster in .runledger/
	@$(RUNLEDGER) db start

db-stop: build ## Stop it
	@$(RUNLEDGER) db stop

db-status: build ## Say whether it runs, and where
	@$(RUNLEDGER) db status

psql: db-start ## Open psql on the private cluster's ledger
	@scripts/psql

bench: build ## Measure the ledger alone, then the service over HTTP, and answers to asynchronous requests
	@$(RUNLEDGER) bench ledger
	@$(RUNLEDGER) bench http
	@$(RUNLEDGER) bench http --async --concurrency 64

clean: ## Stop the private cluster and remove it with all data, and the build
	@scripts/clean

ci: ## Do what CI does, from setup to demo
	@.ci/run
