# `make help` tells what there is.

# The parts of `make test`, each a script of that name in tests/tools; the second row runs beside the first.
PARTS := rust
PARTS_BESIDE := contract csv helm openapi oauth scim vendor-clients guide
SUITE := tests/tools/suite.sh
CARGO := cargo
# More arguments for `make run`, `make demo`, `make seed` and `make bench-NAME`.
ARGS :=

.DEFAULT_GOAL := help

## help: list the targets
help:
	@echo 'Targets:'
	@awk '/^## / { name = $$2; sub(/^## [^ ]* /, ""); sub(/:$$/, "", name); printf "  %-22s %s\n", name, $$0 }' $(MAKEFILE_LIST)
	@echo 'Benchmarks: $(or $(BENCHES),none yet)'

## build: the release binary, target/release/msi-actions
build:
	$(CARGO) build --release --locked

## run: start the service on SQLite in ./msi-actions-data (ARGS=… for more arguments)
run:
	$(CARGO) run --locked -- serve $(ARGS)

## watch: build and start the service again at every change (ARGS as for `make run`)
watch:
	@if command -v watchexec >/dev/null; then \
	  exec watchexec --restart --watch src --watch migrations --watch Cargo.lock -- $(CARGO) run --locked -- serve $(ARGS); \
	elif command -v cargo-watch >/dev/null; then \
	  exec cargo watch --watch src --watch migrations --watch Cargo.lock --exec 'run --locked -- serve $(ARGS)'; \
	else echo 'make watch needs watchexec: cargo install --locked watchexec-cli' >&2; exit 1; fi

## demo: play the whole set-up guide against the simulated Salesforce and Marketo (ARGS="--exit" to stop after it)
demo:
	$(CARGO) run --release --locked -- demo $(ARGS)

## seed: a service to develop against: both connections, 10,000 people, invitations in every state, a failed run (ARGS="--people 100" for fewer)
seed:
	$(CARGO) run --locked -- demo --seed $(ARGS)

## openapi: write openapi/msi-actions.v1.json, openapi/problems.md and docs/permissions.md from the code
openapi:
	@mkdir -p openapi
	$(CARGO) run --locked -- openapi > openapi/msi-actions.v1.json.new
	mv openapi/msi-actions.v1.json.new openapi/msi-actions.v1.json
	$(CARGO) run --locked -- openapi --permissions > docs/permissions.md
	$(CARGO) run --locked -- openapi --problems > openapi/problems.md

## test: every test, with whatever it needs installed outside the source tree
test:
	@$(SUITE) $(PARTS) -- $(PARTS_BESIDE)

## test-rust: unit and HTTP tests, on SQLite and PostgreSQL (TEST_DATABASE_URL, or POSTGRES_FROM=running|installed|npm|apt)
## test-csv: files by LibreOffice, SheetJS and Python's writers are read by the running service, others refused
## test-helm: lint the chart, validate what it renders, see that bad values are refused
## test-openapi: validate the committed OpenAPI document
## test-oauth: two OAuth clients get, verify, introspect and revoke tokens of the running service
## test-scim: a SCIM client that tests for conformance provisions users and groups of the running service
## test-vendor-clients: clients that others made for Salesforce and Marketo run against the simulated vendors
## test-guide: the set-up guide of docs/, block by block
## test-contract: fuzz the running service by its OpenAPI document
$(addprefix test-,$(PARTS) $(PARTS_BESIDE)): test-%:
	@$(SUITE) $*

## test-vendor-connectors: connectors of data platforms read from the simulated vendors; no part of `make test`
test-vendor-connectors:
	@$(SUITE) vendor-connectors

## check: does it compile? The quickest answer after a change
check:
	$(CARGO) check --locked

## lint: formatting, clippy, shell scripts, Dockerfile, licenses and sources of crates
lint:
	@$(SUITE) fmt clippy scripts deny

## deny: licenses, sources and versions of crates, and what is known against them, where the network allows
deny:
	@ADVISORIES=yes $(SUITE) deny

## fmt: format the Rust code
fmt:
	$(CARGO) fmt

## bench-NAME: run the benchmark benches/NAME; its last line is one JSON object
BENCHES := $(sort $(basename $(notdir $(wildcard benches/*.rs benches/*.sh))))
bench-%:
	@if [ -f benches/$*.sh ]; then bash benches/$*.sh $(ARGS); else $(CARGO) bench --quiet --locked --bench $* -- $(ARGS); fi

.PHONY: help build run demo seed watch openapi test check $(addprefix test-,$(PARTS) $(PARTS_BESIDE)) test-vendor-connectors lint deny fmt
