# Two commands matter: `make run` (a chat page on http://127.0.0.1:8000) and `make test`.
# Each makes what it needs; nothing has to be installed by hand but Python >= 3.11 and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=
# Compiled files are kept: a test starts many processes, and each would compile everything again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test pytest check style types layers format bench soak lock clean
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp
	@$(BIN)/antiphon serve --local-if-no-credentials $(ARGS)

# The checks and the tests run side by side: what checks the types keeps only one processor busy.
test: $(VENV)/dev.stamp
	@$(MAKE) --no-print-directory --jobs check pytest

pytest: $(VENV)/dev.stamp
	@$(BIN)/python tests/chromium.py
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: style types layers

style: $(VENV)/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy

layers: $(VENV)/dev.stamp
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	@$(BIN)/python -m bench $(ARGS)

soak: $(VENV)/dev.stamp
	@echo "The long runs: replicas and databases killed and stopped hundreds of times, full disks, failing upstreams."
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
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
