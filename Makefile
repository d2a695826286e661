# Environments are made from pyproject.toml and constraints/ alone.
#   PYTHON=...  the interpreter; without it, the newest that is found and runs
#   VENV=...    the environment's folder; one that another interpreter made is made anew
#   TORCH=no    without torch and the loader of The Well, and without the tests that need them
ifndef PYTHON
PYTHON := $(shell for each in python3.13 python3.12 python3.11 python3; do \
	if $$each -c 'import ensurepip, venv' 2>/dev/null; then echo $$each; break; fi; done)
endif
VERSION := $(if $(PYTHON),$(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null))
ifneq ($(MAKECMDGOALS),clean)
ifeq ($(VERSION),)
$(error phigen needs Python 3.11 to 3.13, $(if $(PYTHON),$(PYTHON) does not run,none was found); name one: make PYTHON=...)
endif
$(info Python $(VERSION), $(PYTHON))
endif

VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints/py$(subst .,,$(basename $(VERSION))).txt
PIP_INSTALL := python -m pip install --quiet --disable-pip-version-check

# Files that say what an environment holds and which Python made it.
BASE := $(VENV)/.base-$(VERSION)
WELL := .venv-well
ifeq ($(TORCH),no)
EXTRAS := test,bench
FULL := $(VENV)/.full-without-torch-$(VERSION)
WITHOUT := not torch and not well
else
EXTRAS := test,bench,torch
FULL := $(VENV)/.full-$(VERSION)
WELL_READY := $(WELL)/.ready
endif

.PHONY: demo example test test-fast check lowest bench catalogue constraints clean

demo: $(BASE)  ## set up, build the ten graded datasets, measure them and draw them
	$(BIN)/phigen build recipes/rotation_eq10.yaml
	$(BIN)/phigen measure datasets/rotation_eq10.zarr
	$(BIN)/phigen preview datasets/rotation_eq10.zarr

example: $(FULL)  ## from a recipe to a model whose equivariance error is known, on a Hub of its own on this machine
	$(BIN)/python -m tests.shared.hub.server $(BIN)/python examples/train.py owner/example

test: $(FULL) $(WELL_READY)  ## set up and run all tests, two at a time
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal$(if $(WITHOUT), -m "$(WITHOUT)")

test-fast: $(FULL) $(WELL_READY)  ## the tests that take a few seconds at most
	$(BIN)/python -m pytest -m "not slow$(if $(WITHOUT), and $(WITHOUT))"

check: $(FULL)  ## format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lowest: $(WELL_READY)  ## the tests with the lowest versions that pyproject.toml states
	$(call environment,.venv-lowest)
	.venv-lowest/bin/python constraints/lowest.py $(subst $(comma), ,$(EXTRAS)) > .venv-lowest/lowest.txt
	.venv-lowest/bin/$(PIP_INSTALL) --constraint .venv-lowest/lowest.txt --editable ".[$(EXTRAS)]"
	.venv-lowest/bin/python -m pytest --numprocesses 2 --dist worksteal$(if $(WITHOUT), -m "$(WITHOUT)")

bench: $(FULL)  ## measure the numbers of docs/numbers.md
	$(BIN)/python -m benchmarks

RECIPES ?= $(basename $(notdir $(wildcard recipes/*.yaml)))
catalogue: $(BASE)  ## build RECIPES, by default every shipped one (6 GB), and renew their entries in datasets/catalogue.json
	for recipe in $(RECIPES); do $(BIN)/phigen build $$recipe || exit 1; done
	$(BIN)/python -c 'from phigen.building import catalogue; catalogue.renew("$(RECIPES)".split(), catalogue.FOLDER)'

constraints:  ## write the newest versions that pyproject.toml allows into constraints/, for PYTHON
	$(call environment,.venv-constraints)
	.venv-constraints/bin/$(PIP_INSTALL) --constraint constraints/torch.txt --editable ".[$(EXTRAS),dev]"
	{ .venv-constraints/bin/python -m pip freeze --exclude-editable | grep -v '^torch=='; cat constraints/torch.txt; } \
		| LC_ALL=C sort --ignore-case > $(CONSTRAINTS)

clean:  ## remove the environments and what tools left
	rm -rf .venv .venv-* dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Only what is a virtual environment already is ever emptied.
define environment
@if test -e $(1) && ! test -e $(1)/pyvenv.cfg; then \
	echo "$(1): is not a virtual environment; name another folder, make VENV=..." >&2; exit 1; fi
@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("phigen needs Python 3.11 to 3.13, this is $(VERSION); name another: make PYTHON=python3.13 ...")'
$(PYTHON) -m venv --clear $(1)
endef
comma := ,

# Files of the base are compiled when they are first imported: the set-up takes a third less time.
$(BASE): pyproject.toml $(wildcard $(CONSTRAINTS))
	$(if $(wildcard $(BASE)),,$(call environment,$(VENV)))
	$(BIN)/$(PIP_INSTALL) --no-compile --constraint $(CONSTRAINTS) --editable .
	touch $@

# A warning of the compiler would be an error in a test that is the first to import the file.
$(FULL): $(BASE)
	$(BIN)/$(PIP_INSTALL) --constraint $(CONSTRAINTS) --editable ".[$(EXTRAS),dev]"
	-$(BIN)/python -m compileall -q -j 2 $(VENV)/lib >/dev/null
	touch $@

$(WELL)/.ready: constraints/well.txt
	$(call environment,$(WELL))
	$(WELL)/bin/$(PIP_INSTALL) --constraint constraints/well.txt the-well
	touch $@
