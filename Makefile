PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The scripts and the style sheet that visitors' pages load, and the file in frontend/ that each begins with.
SCRIPTS := handoff=handoff/main.ts form=form/main.ts handoff=handoff.css bridge=bridge/main.ts kapa=kapa.ts admin=admin.ts
NODE := .cache/node-esbuild-0.28.2-typescript-5.9.3
NODE_PACKAGES := esbuild@0.28.2 typescript@5.9.3
SOURCES := flask_kapa_handoff example_app tests benchmarks docs
LOWEST := .venv-lowest

.PHONY: demo setup test coverage test-quick test-lowest test-browsers test-hosts torture reference docs lint format messages static bench picture clean

demo: $(VENV)/.example  ## Run the example app.
	$(BIN)/python -m example_app

setup: $(VENV)/.test $(VENV)/.recipes $(VENV)/.docs $(VENV)/.lint $(NODE)/node_modules  ## Install everything that tests and checks need.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python -m tests.browser.kapa.ensure_bundle
	$(BIN)/python -m tests.helpdesks.environment

test: $(VENV)/.test $(VENV)/.recipes $(VENV)/.docs  ## Run all tests, those in a real browser included.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python -m tests.browser.kapa.ensure_bundle
	$(BIN)/python -m tests.helpdesks.environment
	$(BIN)/python $(MEASURED) -m pytest -n auto --dist worksteal $(PLUGIN)

# Measuring takes 50% more processor time (Python 3.11 to 3.13 have no cheaper way to see branches), so `make test` does
# without it. Set the floor in setup.cfg from a whole run on a quiet machine.
coverage: $(VENV)/.test $(VENV)/.recipes $(VENV)/.docs  ## Run all tests, measure their branch coverage, and fail below its floor.
	rm -rf .cache/coverage
	mkdir -p .cache/coverage
	$(MAKE) test MEASURED='-m coverage run' PLUGIN='-p tests.save_coverage'
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet --fail-under=0 --directory=.cache/coverage/html
	$(BIN)/python -m coverage report --fail-under=0
	$(BIN)/python -m tests.coverage_floor

# On SQLite, and on PostgreSQL where the statements differ; about a minute. It leaves out tests that do not depend on the
# versions of Python and of a site's packages: scripts in a browser, the example (no site depends on it), packaging, the
# documentation's site, other programs that read our mails, and the slow tests of faults and of Celery, whose code
# `make test` covers. The lowest Alembic does not work with the current Flask-Migrate.
QUICK_LEFT_OUT := browser celery example faults helpdesks test_admin_recipes.py test_docs_site.py test_install.py test_kapa_bundle.py test_site_migrations.py
QUICK := -m pytest -n auto --dist worksteal -k "not postgresql or test_postgresql or test_delivery_outbox" \
  $(QUICK_LEFT_OUT:%=--ignore=tests/%)
QUICK_VENV := $(VENV)-$(notdir $(PYTHON))

test-quick: $(QUICK_VENV)/.test  ## Run the quick tests on another Python: make test-quick PYTHON=python3.13
	$(QUICK_VENV)/bin/python $(QUICK)

test-lowest: $(LOWEST)/.test  ## Run the quick tests on the lowest versions that setup.cfg allows; with Python 3.10 or 3.11.
	$(LOWEST)/bin/python $(QUICK)

# Not part of `make test`: the same functions as there, in two more browsers, which take 500 MB of the disk.
test-browsers: $(VENV)/.test  ## Run the whole way, the modals and the page form in Firefox and in WebKit; about 10 minutes.
	$(BIN)/python tests/browser/ensure_browser.py firefox webkit
	$(BIN)/python -m pytest -n 2 --browser=firefox tests/browser
	$(BIN)/python -m pytest -n 2 --browser=webkit tests/browser

test-hosts: $(VENV)/.test  ## Mount the wheel into real applications, under real web servers, behind nginx; about 15 minutes.
	$(BIN)/python tests/browser/ensure_browser.py
	$(BIN)/python tests/hosts/ensure_servers.py
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/hosts

torture: $(VENV)/.test  ## Run the fault tests with their full counts, then test-hosts; this takes more than an hour.
	$(BIN)/python -m tests.faults
	$(MAKE) test-hosts

reference: $(VENV)/.docs  ## Write the parts of the documentation's pages that come from the code.
	$(BIN)/python -m docs.generated

docs: $(VENV)/.docs  ## Build the documentation's site; it needs neither a network nor a web server.
	rm -rf .cache/docs
	$(BIN)/python -m sphinx -q -W --keep-going -d .cache/docs/doctrees docs .cache/docs/html
	@echo "Open .cache/docs/html/index.html in a browser."

lint: $(VENV)/.lint $(NODE)/node_modules  ## Check style, types, imports, scripts and templates.
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports
	$(BIN)/djlint --lint --quiet templates example_app/templates
	$(NODE)/node_modules/.bin/tsc --project frontend
	rm -rf .cache/static
	$(BUILD) --outdir=.cache/static
	@for script in .cache/static/*.js .cache/static/*.css; do cmp $$script flask_kapa_handoff/static/$$(basename $$script) \
	  || { echo "This script is not the one that frontend/ makes: run make static."; exit 1; }; done

format: $(VENV)/.lint  ## Format the code.
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# The same versions produce the same bytes; the output is committed, so that an install needs no Node.js.
BUILD = $(NODE)/node_modules/.bin/esbuild $(subst =,=frontend/,$(SCRIPTS)) --bundle --format=iife --minify --target=es2020 \
  --charset=utf8 --log-level=warning '--banner:js=/* Made from frontend/ by make static. */'

messages: $(VENV)/.test  ## Bring the catalogs up to date with the messages in the code and the templates.
	$(BIN)/pybabel --quiet extract --mapping-file=babel.cfg --keywords="_ N_" --no-default-keywords --keywords=ngettext:1,2 \
	  --sort-output --add-location=file --omit-header --output-file=.cache/kapa_handoff.pot .
	$(BIN)/pybabel --quiet update --domain=kapa_handoff --input-file=.cache/kapa_handoff.pot --no-fuzzy-matching \
	  --ignore-obsolete --ignore-pot-creation-date --output-dir=flask_kapa_handoff/translations

static: $(NODE)/node_modules  ## Build the scripts that are served.
	$(BUILD) --outdir=flask_kapa_handoff/static

bench: $(VENV)/.bench  ## Run the benchmarks, side by side, as ratios.
	$(BIN)/python -m benchmarks

# One environment; each stamp says that an extra of setup.cfg is in it.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: setup.cfg pyproject.toml | $(VENV)/bin/python
	@echo "Setting up (extra $*); the first time this takes about half a minute."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

$(VENV)/.lint: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint,test,recipes,docs]'
	touch $@

$(QUICK_VENV)/.test: setup.cfg pyproject.toml
	@echo "Setting up ($(PYTHON)); the first time this takes about half a minute."
	$(PYTHON) -m venv --clear $(QUICK_VENV)
	$(QUICK_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

# A separate environment. Some of these versions do not run on Python 3.12 and newer.
$(LOWEST)/.test: setup.cfg pyproject.toml tests/lowest.txt
	@echo "Setting up (the lowest versions); the first time this takes about half a minute."
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint tests/lowest.txt --editable '.[test]'
	touch $@

$(NODE)/node_modules:
	@command -v npm >/dev/null || { echo "The scripts in frontend/ are checked and built with npm: install Node.js."; exit 1; }
	npm install --prefix $(NODE) --no-save --no-audit --no-fund --ignore-scripts $(NODE_PACKAGES)

picture: $(VENV)/.test  ## Take the README's picture again.
	$(BIN)/python -m docs.take_overview

clean:
	rm -rf $(VENV) $(VENV)-* .cache build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
