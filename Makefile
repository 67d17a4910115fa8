PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPESCRIPT := .cache/typescript
TYPESCRIPT_VERSION := 5.9.3
SCRIPTS := $(wildcard flask_kapa_handoff/static/*.js)
SOURCES := flask_kapa_handoff example_app tests benchmarks docs
LOWEST := .venv-lowest

.PHONY: demo test test-lowest torture lint format bench picture clean

demo: $(VENV)/.example  ## Run the example app.
	$(BIN)/python -m example_app

test: $(VENV)/.test  ## Run all tests, those in a real browser included.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python -m tests.browser.kapa.ensure_bundle
	$(BIN)/python -m pytest -n auto --dist worksteal

# On SQLite, and on PostgreSQL where the statements differ; about a minute. Left out is what hardly depends on these
# versions: scripts in a browser, the example (which is no dependency of a site), packaging, and slow tests of faults and
# of Celery, of which `make test` has the same code on the newest versions.
LOWEST_LEFT_OUT := browser faults test_delivery_celery.py test_example_app.py test_install.py test_kapa_bundle.py
LOWEST_TESTS := not postgresql or test_postgresql or test_delivery_outbox

test-lowest: $(LOWEST)/.test  ## Run the quick tests on the lowest versions that setup.cfg allows; with Python 3.10 or 3.11.
	$(LOWEST)/bin/python -m pytest -n auto --dist worksteal -k "$(LOWEST_TESTS)" $(LOWEST_LEFT_OUT:%=--ignore=tests/%)

torture: $(VENV)/.test  ## Run the fault tests with their full counts; this takes about an hour.
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

# Its own environment. Python 3.12 and newer are younger than some of these versions, which do not run there.
$(LOWEST)/.test: setup.cfg pyproject.toml tests/lowest.txt
	@echo "Setting up (the lowest versions); the first time this takes about half a minute."
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint tests/lowest.txt --editable '.[test]'
	touch $@

$(TYPESCRIPT)/node_modules:
	@command -v npm >/dev/null || { echo "make lint checks the scripts with TypeScript, which needs npm: install Node.js."; exit 1; }
	npm install --prefix $(TYPESCRIPT) --no-save --no-audit --no-fund typescript@$(TYPESCRIPT_VERSION)

picture: $(VENV)/.test  ## Take the README's picture anew.
	$(BIN)/python -m docs.take_overview

clean:
	rm -rf $(VENV) $(LOWEST) .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
