PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPESCRIPT := .cache/typescript
TYPESCRIPT_VERSION := 5.9.3
SCRIPTS := $(wildcard flask_kapa_handoff/static/*.js)
SOURCES := flask_kapa_handoff example_app tests benchmarks docs

.PHONY: demo test test-hosts torture lint format bench picture clean

demo: $(VENV)/.example  ## Run the example app.
	$(BIN)/python -m example_app

test: $(VENV)/.test  ## Run all tests, those in a real browser included.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python -m tests.browser.kapa.ensure_bundle
	$(BIN)/python -m pytest -n auto --dist worksteal

test-hosts: $(VENV)/.test  ## Mount the wheel into real applications, under real web servers, behind nginx; about 15 minutes.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python tests/hosts/ensure_servers.py
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/hosts

torture: test-hosts  ## Run the fault tests with their full counts as well; this takes about an hour.
	$(BIN)/python -m tests.faults

lint: $(VENV)/.lint $(TYPESCRIPT)/node_modules  ## Check style, types, scripts and templates.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates example_app/templates
	$(TYPESCRIPT)/node_modules/.bin/tsc --noEmit --allowJs --checkJs --strict --target es2020 --lib es2022,dom,dom.iterable $(SCRIPTS)

format: $(VENV)/.lint  ## Let the tools put the style right.
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(VENV)/.bench  ## Measure, as ratios side by side.
	$(BIN)/python -m benchmarks

# One environment; each stamp says that an extra of setup.cfg is in it.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Setting up (extra $*); the first time this takes about half a minute."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

$(VENV)/.lint: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint,test]'
	touch $@

$(TYPESCRIPT)/node_modules:
	@command -v npm >/dev/null || { echo "make lint checks the scripts with TypeScript, which needs npm: install Node.js."; exit 1; }
	npm install --prefix $(TYPESCRIPT) --no-save --no-audit --no-fund typescript@$(TYPESCRIPT_VERSION)

picture: $(VENV)/.test  ## Take the README's picture anew.
	$(BIN)/python -m docs.take_overview

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
