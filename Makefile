# Two commands: `make run` and `make test`. Both make the virtual environment when it is missing.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8045
BIN := $(VENV)/bin

.PHONY: run test lint types layers trial clean

run: $(VENV)/.runtime
	@BIN=$(BIN) PORT=$(PORT) PORT_ASKED=$(filter-out file,$(origin PORT)) sh deploy/run.sh

test: lint types layers trial

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.development
	$(BIN)/mypy

layers: $(VENV)/.development
	$(BIN)/lint-imports

trial: $(VENV)/.development
	$(BIN)/python -m twisted.trial --reporter=text tests

clean:
	rm -rf $(VENV) _trial_temp* .mypy_cache .ruff_cache .import_linter_cache .hypothesis twisted/plugins/dropin.cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agd needs Python 3.11 or newer; say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable .
	touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.runtime
