# Everything runs in .venv, which is made from pyproject.toml alone. PYTHON chooses another interpreter.
# .venv-well holds the loader of The Well, whose pins are not ours; tests alone use it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WELL := .venv-well
WELL_READY := $(WELL)/.ready

.PHONY: demo example test test-fast check bench catalogue clean

demo: $(READY)  ## set up, build the ten graded datasets, measure them and draw them
	$(BIN)/phigen build recipes/rotation_eq10.yaml
	$(BIN)/phigen measure datasets/rotation_eq10.zarr
	$(BIN)/phigen preview datasets/rotation_eq10.zarr

example: $(READY)  ## from a recipe to a model whose equivariance error is known, on a Hub of its own on this machine
	$(BIN)/python -m tests.shared.hub.server $(BIN)/python examples/train.py owner/example

test: $(READY) $(WELL_READY)  ## set up and run all tests, two at a time
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test-fast: $(READY)  ## the tests that take a few seconds at most
	$(BIN)/python -m pytest -m "not slow"

check: $(READY)  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)  ## measure the numbers of docs/numbers.md
	$(BIN)/python -m pip install --quiet --editable ".[bench]"
	$(BIN)/python -m benchmarks

catalogue: $(READY)  ## build every shipped recipe, 6 GB, and write datasets/catalogue.json
	for recipe in recipes/*.yaml; do $(BIN)/phigen build $$recipe || exit 1; done
	$(BIN)/python -c 'from phigen import catalogue, reading; catalogue.renew(reading.shipped(), catalogue.FOLDER)'

clean:  ## remove the environments and what tools left
	rm -rf $(VENV) $(WELL) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else f"phigen needs Python 3.11 to 3.13, {sys.executable} is {v.major}.{v.minor}; name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

$(WELL_READY):
	$(PYTHON) -m venv $(WELL)
	$(WELL)/bin/python -m pip install --quiet torch==2.13.0 the-well==1.2.0
	touch $@
