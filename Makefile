# The commands of this project; `make` alone lists them. Everything they need goes into .venv, from requirements.lock.

# The first Python that fits; `python3` where none does, so that the message names it.
ifeq ($(origin PYTHON), undefined)
PYTHON := $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell $(name) -c \
	'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) and print("$(name)")' 2>/dev/null)) python3)
endif
JOBS ?= 2
SELECT ?= not service
COVERAGE ?= --cov --cov-report=term

BIN := .venv/bin
PY := $(BIN)/python
STAMP := .venv/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test check lint test-services docs bench lock clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  Another Python (3.11 to 3.13): make PYTHON=python3.12 ...    Test processes: make JOBS=4 ..."

demo: $(STAMP)  ## run the main job on this machine: a forecast arrives, step by step, in a cube
	@$(BIN)/dtedask demo

test: $(STAMP)  ## run all tests that need no service, and print the coverage (COVERAGE= without, which is faster)
	$(PY) -m pytest -n $(JOBS) --dist worksteal -m "$(SELECT)" $(COVERAGE)

check: lint  ## lint, format, types, import contracts and the fast tests; under three minutes
	$(PY) -m pytest -n $(JOBS) -m "not slow and not service and not docs"

lint: $(STAMP)  ## the part of `check` that runs no test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

test-services: $(STAMP)  ## run the tests with a real SLURM, S3, etcd and NATS (Debian or Ubuntu, as root)
	$(PY) -m pytest -n $(JOBS) --dist loadgroup -m service

docs: $(STAMP)  ## run the code of the README and of docs/
	$(PY) -m pytest -n $(JOBS) -m docs

bench: $(STAMP)  ## measure speed and memory (benchmarks/)
	@for script in benchmarks/[a-z]*.py; do [ -f "$$script" ] || continue; echo "== $$script"; $(PY) "$$script" || exit 1; done

# One resolution over the dependencies, all extras and the group `dev`; keeps versions that still fit. Look at the difference.
lock: $(STAMP)  ## write requirements.lock from pyproject.toml (newest versions: make lock UPGRADE=--upgrade)
	$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' \
	| CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) --all-extras --strip-extras --no-allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options --no-annotate \
		--output-file requirements.lock pyproject.toml -

clean:  ## remove .venv, caches and what the demo wrote
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov dist demo-data
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)'. On Debian or Ubuntu: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(f"dtedask needs Python 3.11, 3.12 or 3.13; $(PYTHON) is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.11 ...") if not (3, 11) <= v <= (3, 13) else None'
	@[ -x $(BIN)/pip ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		echo "$(PYTHON) cannot make virtual environments: a package is missing. On Debian or Ubuntu:" >&2; \
		echo "    sudo apt-get install python$$version-venv    (or python3-venv, for the python3 of the system)" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || { echo "Making .venv by $$($(PYTHON) --version)"; $(PYTHON) -m venv .venv; }
	@echo "Installing requirements.lock into .venv"
	@$(PY) -m pip install --quiet -r requirements.lock
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(STAMP)
