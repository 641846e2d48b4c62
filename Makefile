# Two commands matter: `make run` (a chat page on http://127.0.0.1:8000) and `make test`.
# Each makes what it needs; nothing has to be installed by hand but Python >= 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
# Compiled files are kept: a test starts many processes, and each would compile everything again.
export PYTHONDONTWRITEBYTECODE :=

# The page is made from web/ by Node; what is made is no part of the repository, but of the wheel.
NODE ?= node
NPM := npm --prefix web --loglevel error
PAGE := src/antiphon/server/static/index.html
PAGE_SOURCES := $(shell find web/src web/index.html web/vite.config.ts web/package.json -type f)
HAS_NODE := $(NODE) -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null

.PHONY: run test pytest check style types layers check-page page api-types format bench bench-cost bench-web images wheel soak lock clean
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp
	@if $(HAS_NODE); then $(MAKE) --no-print-directory page; \
	elif [ ! -e $(PAGE) ]; then echo "Node 20.19 or newer is not here, so a plainer page is served; with it, make run builds the whole one."; fi
	@$(BIN)/antiphon serve --local-if-no-credentials $(ARGS)

# What Python and what the page needs are fetched side by side; so run the checks and the tests: what checks
# the types keeps only one processor busy.
test:
	@$(MAKE) --no-print-directory --jobs $(VENV)/dev.stamp page
	@$(MAKE) --no-print-directory --jobs check pytest

# Those of the page in a process of its own: Playwright's event loop stays running between tests, and no other
# test could have one. They come first, while the other processor checks the types.
BROWSER := tests/web
pytest: $(VENV)/dev.stamp page
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m pytest $(BROWSER)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(BROWSER:%=--ignore=%) $(ARGS)

check: style types layers check-page

style: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

layers: $(VENV)/dev.stamp
	@$(BIN)/lint-imports --no-logo

check-page: page
	@$(NPM) run --silent check
	@$(NODE) web/size.js

page:
	@$(HAS_NODE) || { echo "The page is built by Node 20.19 or newer, which is not here: install it, or set NODE=..."; exit 1; }
	@$(MAKE) --no-print-directory $(PAGE)

web/node_modules/.stamp: web/package-lock.json
	@echo "Installing what the page is built with into web/node_modules (once)..."
	@$(NPM) ci
	@touch $@

$(PAGE): web/node_modules/.stamp $(PAGE_SOURCES)
	@echo "Building the page..."
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

# The page's types of the API, made from the server's own description of it.
api-types: $(VENV)/dev.stamp web/node_modules/.stamp
	@$(BIN)/python web/openapi.py >web/openapi.json
	@$(NPM) run --silent schema
	@rm web/openapi.json

format: $(VENV)/dev.stamp web/node_modules/.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(NPM) run --silent format

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m bench $(ARGS)

# What long conversations cost under several policies; the figures and the chart go into docs/cost.md.
bench-cost: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.cost $(ARGS)

bench-web: $(VENV)/dev.stamp page
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m bench.page

# The pictures of the page in docs/images.
images: $(VENV)/dev.stamp page
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m tests.web.pictures

# What is published: the package with the page in it.
wheel: $(VENV)/dev.stamp page
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

soak: $(VENV)/dev.stamp
	@echo "The long runs: replicas and databases killed and stopped hundreds of times, full disks, failing upstreams,"
	@echo "and a conversation with the better local model, which is fetched once (1.1 GB)."
	@echo 'All of them take about an hour; choose with ARGS, as in: make soak ARGS="tests/faults/test_kill.py -k postgres"'
	@$(BIN)/python -m pytest -m soak $(ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Antiphon needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python requirements/run.txt pyproject.toml
	@echo "Installing Antiphon into $(VENV) (once)..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python requirements/dev.txt pyproject.toml
	@echo "Installing Antiphon and its test tools into $(VENV) (once)..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.stamp

# Locks carry hashes and name no index: whoever installs uses the index that is set up there.
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" pyproject.toml requirements/build.in
lock: $(BIN)/python
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/python -m pip --quiet install uv
	@$(COMPILE) --extra dev -o requirements/dev.txt >/dev/null
	@$(COMPILE) --extra local -c requirements/dev.txt -o requirements/run.txt >/dev/null

clean:
	rm -rf $(VENV) web/node_modules src/antiphon/server/static .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
