# recur: `make help` lists the commands. Each sets up .venv when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
COMPILED := $(shell find src -name '*.h' -o -name '*.cpp')

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Again only when what is installed would differ.
$(READY): pyproject.toml constraints.txt CMakeLists.txt $(COMPILED)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(READY) ## make .venv and install recur with everything it needs

demo: $(READY) ## learn real movie reviews, then judge two sentences
	@$(BIN)/recur demo

test: $(READY) ## run all tests
	$(BIN)/python -m pytest

check: $(READY) ## format, lint, strict types, and the order of imports between rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_import_order.py

format: $(READY) ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## time recur against its peers, side by side
	$(BIN)/python benchmarks/layers.py

clean: ## remove .venv and everything built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
