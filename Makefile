# Everything runs in .venv, which is made from pyproject.toml alone. PYTHON chooses another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-fast check bench clean

demo: $(READY)  ## set up, build the ten graded datasets, measure them and draw them
	$(BIN)/phigen build recipes/rotation_eq10.yaml
	$(BIN)/phigen measure datasets/rotation_eq10.zarr
	$(BIN)/phigen preview datasets/rotation_eq10.zarr

test: $(READY)  ## set up and run all tests, two at a time
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

clean:  ## remove the environment and what tools left
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else f"phigen needs Python 3.11 to 3.13, {sys.executable} is {v.major}.{v.minor}; name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
