# Every target sets up what it needs first: a virtual environment with the hashed dependencies of requirements.lock.
# That happens once, and again only when the lock or a package's pyproject.toml has changed.

PYTHON ?= python3
BROKER ?= embedded
EXCHANGE ?= binance
SEEDS ?= 1000
UV_VERSION := 0.13.9
# Tests wait for sockets, disks and clocks most of the time: one worker more than there are cores keeps the cores busy.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PACKAGES := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml))
PROJECTS := pyproject.toml $(PACKAGES:%=%/pyproject.toml)
SOURCES := $(wildcard $(PACKAGES:%=%/src))
TESTS := $(wildcard tests/*/) benchmarks
# A package's own tests are checked by themselves, because their folders have the same names.
OWN_TESTS := $(wildcard $(PACKAGES:%=%/tests))

export CGT_BROKER := $(BROKER)

.DEFAULT_GOAL := help
.PHONY: help setup up demo test test-kafka simulate crashes bench check lock format clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo "  up, demo and bench take BROKER=kafka to run on Apache Kafka (Java 17+ and Maven)."

setup: $(READY)  ## Make .venv with everything in it (part of every other target)

up: setup  ## Run the whole system on this machine until Ctrl-C
	@$(BIN)/cgt up

demo: setup  ## Run a protected trade to its targets and its stop, and say each step
	@$(BIN)/cgt demo --exchange $(EXCHANGE)

test: setup  ## Run the tests, on the embedded broker
	$(BIN)/pytest -n $(JOBS)

# What depends on the broker lives in the bus, in delivery and in the system as a whole; a connector's own tests do not.
# What a frontend or an operator sees of it is the same on every broker. One at a time: each brings a JVM and a system.
KAFKA_E2E := $(patsubst %,tests/e2e/test_%.py,trade network kills exchanges audit)
test-kafka: setup  ## Run the tests of bus, delivery and the whole system on a real Apache Kafka
	@if missing=$$($(BIN)/python -m common.runtime.kafka 2>&1); then \
		echo "The tests of bus, delivery and the whole system, on Apache Kafka:"; \
		CGT_TEST_BROKER=kafka $(BIN)/pytest -m broker libs services/order-engine services/portfolio $(KAFKA_E2E); \
	elif [ "$$CI" = true ]; then echo "test-kafka: failed, because CI must not skip it. $$missing"; exit 1; \
	else echo "test-kafka: skipped. $$missing"; fi

simulate: setup  ## Run SEEDS=n histories in virtual time with every fault, or SEED=k to see one again
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

crashes: setup  ## SIGKILL every process at chosen points of trades; ROUNDS=n, VICTIMS="gateway broker" for a part
	@$(BIN)/python -m tests.crashes $(if $(VICTIMS),--victims $(VICTIMS)) $(if $(ROUNDS),--rounds $(ROUNDS))

bench: setup  ## Measure from the fill to the protective orders; print the table
	$(BIN)/python -m $(if $(WHAT),benchmarks.$(WHAT),$(if $(filter-out binance,$(EXCHANGE)),benchmarks.venues --exchange $(EXCHANGE),benchmarks))

check: setup  ## Lint, formatting, types, import contracts, generated documents
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(SOURCES)
	$(BIN)/mypy $(TESTS)
	@for tests in $(OWN_TESTS); do echo "mypy $$tests"; MYPYPATH=$$tests $(BIN)/mypy $$tests || exit 1; done
	$(BIN)/lint-imports
	$(BIN)/python -m common.reference docs/topics.md --check
	$(BIN)/python -m common.reference docs/capabilities.md --check
	$(BIN)/python -m gateway.reference docs/api.md --check

lock: setup  ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --all-extras --group dev $(PROJECTS) \
		$(foreach package,$(PACKAGES),--no-emit-package cgt-$(notdir $(package))) -o requirements.lock

format: setup  ## Format the code and sort its imports
	$(BIN)/ruff format
	$(BIN)/ruff check --fix --select I

clean:  ## Remove what was made here, downloads included
	rm -rf $(VENV) .run .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements.lock $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --build-constraint requirements.lock $(PACKAGES:%=--editable %)
	@touch $@
