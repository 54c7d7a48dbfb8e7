# Every target sets itself up: only Python >= 3.11 and make are needed. PYTHON=python3.12 chooses another one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test test-all lint format bench docs clean help

help:                ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.base  ## the whole story on three systems, with a report to open
	$(BIN)/pushforward demo

# Two workers with two threads each would wait for one another.
test test-all: export OMP_NUM_THREADS = 1

test: $(VENV)/.peers  ## the default test suite (about ten minutes on two cores at most)
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-all: $(VENV)/.peers  ## every test, slow ones included
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or not slow" --hypothesis-profile=search

lint: $(VENV)/.dev   ## ruff, mypy, and the documentation built with warnings as errors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory docs

format: $(VENV)/.dev  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.peers  ## the benchmarks, side by side with peers, as one table
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev   ## the documentation, warnings as errors, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) site dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "pushforward needs Python 3.11 or newer; got $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.base

$(VENV)/.peers: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,peers]'
	$(BIN)/python -m pip install --quiet -c constraints.txt --no-deps denoising-diffusion-pytorch torchcfm
	@touch $@
