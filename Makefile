# Everything runs in .venv, which is made anew whenever requirements.lock differs from what is in it.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
WORKERS ?= 4
SUITE  := -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not benchmark and not soak"

# Tests start the gateway and the lab many times; without its cache Python compiles all of it each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
PYTHONS ?=
.PHONY: help install demo serve test test-shuffled test-pythons check format bench mutants soak lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

install: ## Make .venv from requirements.lock if it is not there or not up to date
	@test -x $(BIN)/rom && cmp -s requirements.lock $(VENV)/installed.lock || $(MAKE) --no-print-directory $(VENV)
	@cmp -s pyproject.toml $(VENV)/installed.toml || { \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . && \
	  cp pyproject.toml $(VENV)/installed.toml; }

.PHONY: $(VENV)
$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or later is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." \
	    "Name another: make PYTHON=python3.11 …" >&2; exit 2; }
	@echo "Making $(VENV) from requirements.lock"
	@rm -f $(VENV)/installed.lock
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
	  --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@cp pyproject.toml $(VENV)/installed.toml
	@$(BIN)/python -m pip check
	@cp requirements.lock $(VENV)/installed.lock

demo: install ## One pilot order in, a proven site out, at most a minute
	@$(BIN)/rom demo $(DEMO)

serve: install ## Gateway and simulated lab until Ctrl-C
	@ROM_LOG_JSON=false $(BIN)/rom serve --lab enterprise-fibre $(SERVE)

test: install ## All tests but benchmarks and long runs
	@$(BIN)/python -m pytest $(SUITE) $(TESTS)

SEED ?= $(shell date +%s)
test-shuffled: SEED := $(SEED)
test-shuffled: install ## The same in random order; SEED=… repeats one
	@echo "SEED=$(SEED)"
	@$(BIN)/python -m pytest $(SUITE) -p randomly --randomly-seed=$(SEED) $(TESTS) || \
	  { echo "Again in this order: make test-shuffled SEED=$(SEED)"; exit 1; }

test-pythons: install ## A wheel, installed elsewhere on each Python to be had, runs the demo
	@$(BIN)/python -m tests.pythons $(PYTHONS)

check: install ## Style, types, arrows between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Bring the source into the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install ## Measure, print ratios
	@$(BIN)/python -m pytest -n 0 -s --timeout 0 -m benchmark $(TESTS)

mutants: install ## Plant mistakes in the core rules, tell how many the tests see; below 9 in 10 fails
	@$(BIN)/python -m tests.mutation $(MUTANTS)

soak: install ## Long runs: the laws, five hundred kills, hostile input (ROM_SOAK_FUZZ_SECONDS=600)
	@$(BIN)/python -m pytest -n $(WORKERS) --timeout 0 -rP -m soak $(TESTS)

lock: install ## Resolve requirements.lock again; UPGRADE=1 takes newer versions
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make lock" --group dev $(if $(UPGRADE),--upgrade) \
	  --output-file requirements.lock pyproject.toml

clean: ## Remove .venv and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache mutants build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf *.egg-info
