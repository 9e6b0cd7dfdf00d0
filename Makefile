# Everything a person does with a clone. Wants Python 3.11, git and make; the rest goes into .venv.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# --no-compile: Python compiles what is imported, which is a small part of what is installed; saves minutes on two cores.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
# Of tests; more than two on two cores, too, for the longest ones mostly wait.
WORKERS ?= 3
PYTEST_ARGS ?=
DEMO_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## Make .venv with everything that the checks and the tests need

demo: $(VENV)/.runtime ## Learn the demo pack's style and make stickers in it, into demo/
	$(BIN)/stickers make configs/demo/pack configs/demo/photos/*.png configs/demo/photos/*.jpg \
	  --words "birthday cake" --words "кот" --out demo $(DEMO_ARGS)
	@echo
	@echo "All at one glance:  demo/sheet.png"
	@echo "The stickers:       demo/stickers/"

test: $(VENV)/.dev ## Run the checks, then all tests
	$(MAKE) check
	$(BIN)/python -m pytest -q tests/test_architecture.py -k imported # what fails at once should be told at once
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(VENV)/.dev ## Lint, format, types, who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove caches and the demo's results; .venv and build/ (checkpoints of the recipe) stay
	rm -rf demo dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Both stamps share one .venv: `make demo` installs what the program needs, `make setup` the tools beside it.
$(VENV)/.runtime: $(BIN)/pip pyproject.toml
	@echo "installing Python packages; some minutes"
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(BIN)/pip pyproject.toml
	@echo "installing Python packages; some minutes"
	$(INSTALL) --editable ".[evaluate,dev]"
	@touch $(VENV)/.runtime $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null 2>&1 \
		|| { echo "There is no $(PYTHON) here. Install Python 3.11, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), this needs Python 3.11: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3.11-venv" >&2; exit 2; }
