# Two commands: `make run` and `make test`. Both make the virtual environment when it is missing.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8045
BIN := $(VENV)/bin
CLIENTS ?= .venv-clients
NODE_MODULES := client_tests/node/node_modules

.PHONY: run test lint types layers trial test-clients docs clean

run: $(VENV)/.runtime
	@BIN=$(BIN) PORT=$(PORT) PORT_ASKED="$(filter-out file,$(origin PORT))" sh deploy/run.sh

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

# Real client libraries against a real daemon; they are installed into an environment of their own, Node with them.
test-clients: $(VENV)/.development $(CLIENTS)/.installed $(NODE_MODULES)/.installed
	AGD_CLIENTS=$(abspath $(CLIENTS)) $(BIN)/python -m twisted.trial --reporter=text --jobs=2 client_tests

docs: $(VENV)/.development
	$(BIN)/agd document configuration > docs/configuration.md
	$(BIN)/agd document parity > docs/parity.md

clean:
	rm -rf $(VENV) $(CLIENTS) $(NODE_MODULES) _trial_temp* .mypy_cache .ruff_cache .import_linter_cache .hypothesis twisted/plugins/dropin.cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "agd needs Python 3.11 or newer; say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable .
	touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --editable '.[dev]'
	touch $@ $(VENV)/.runtime

$(CLIENTS)/.installed: client_tests/requirements.txt
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check install --quiet --requirement client_tests/requirements.txt
	touch $@

$(NODE_MODULES)/.installed: client_tests/node/package.json client_tests/node/package-lock.json $(CLIENTS)/.installed
	cd client_tests/node && PATH="$(abspath $(CLIENTS))/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund
	touch $@
