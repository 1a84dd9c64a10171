# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
IMAGES ?=
SEEDS ?= 1000
FROM ?= 0
ROUNDS ?= 30
JOBS ?= 1
MINUTES ?= 10
DEEP ?=
YEARS ?=

.PHONY: help setup demo check test simulate mutate chaos fuzz docs requirements clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## make .venv with the pinned requirements

$(VENV)/.ready: requirements.txt pyproject.toml emulator/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable emulator
	@touch $@

demo: setup ## publish three small disk images to 32 emulated regions, or IMAGES="a.img b.img"
	@$(BIN)/python scripts/demo.py $(IMAGES)

check: setup ## lint, types and unit tests: quick
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet --numprocesses 2 tests/unit emulator/tests/unit

test: setup ## everything: check, contract, simulation, end to end
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest --numprocesses 4 --dist loadgroup

simulate: setup ## run SEEDS=1000 simulations with random faults, FROM=0, in JOBS=1 processes; DEEP=1: through the SDKs; YEARS=1: weeks of a release
	$(BIN)/python scripts/simulate.py --seeds $(SEEDS) --from $(FROM) --jobs $(JOBS) $(if $(DEEP),--deep) $(if $(YEARS),--years)

mutate: setup ## break engine and adapters on purpose, to check that the simulation notices
	$(BIN)/python scripts/mutate.py

chaos: setup ## kill ali-import at random moments, ROUNDS=30 times, and run it again
	$(BIN)/python scripts/chaos.py --rounds $(ROUNDS)

fuzz: setup ## inspect damaged disk images, for MINUTES=10
	$(BIN)/python scripts/fuzz.py --minutes $(MINUTES)

docs: setup ## write the documents that are made from code
	$(BIN)/python scripts/make_docs.py

requirements: ## update the pins in requirements.txt and requirements-run.txt
	$(PYTHON) -m venv $(VENV)/pin && $(VENV)/pin/bin/pip install --quiet pip-tools
	$(VENV)/pin/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
	  --no-header --no-emit-options \
	  --extra dev --extra strangers --output-file requirements.txt \
	  pyproject.toml emulator/pyproject.toml
	cp requirements.txt requirements-run.txt # so that both have the same versions
	$(VENV)/pin/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-header --no-emit-options --output-file requirements-run.txt pyproject.toml

clean: ## remove what setup and the tests made
	rm -rf $(VENV) build dist emulator/build emulator/dist .mypy_cache .ruff_cache .pytest_cache .hypothesis emulator/tests/contract/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
