# recur: `make help` lists the commands. Each sets up .venv when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PEERS  := keras-jax keras-tf onnx
PROGRAMS := programs programs-pandas2
COMMIT ?= $(shell git rev-parse --quiet --verify origin/main >/dev/null && echo origin/main || echo HEAD~1)
COMPILED := $(shell find src -name '*.h' -o -name '*.cpp')

.DEFAULT_GOAL := help
.PHONY: help setup demo test check golden sanitize format bench bench-peers bench-programs clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The tests of Keras run on an older one too. Again only when what is installed would differ.
$(READY): pyproject.toml constraints.txt CMakeLists.txt $(COMPILED)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target $(VENV)/keras-3.6 keras==3.6.0
	@touch $@

setup: $(READY) ## make .venv and install recur with everything it needs

demo: $(READY) ## learn real movie reviews, then judge two sentences
	@$(BIN)/recur demo

# Two at a time, a file to each: no more than a small machine has processors.
test: $(READY) ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY) ## format, lint, strict types, and the order of imports between rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_import_order.py

golden: $(READY) ## compare training curves with COMMIT's code (origin/main), digit for digit
	$(BIN)/python -m tests.golden.compare $(COMMIT)

sanitize: $(READY) ## run the compiled engine under address, undefined-behaviour and thread sanitizers
	sh tests/engine/sanitize/run.sh $(BIN)/python

format: $(READY) ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## time recur against torch.nn and the peers that are there, in a few minutes
	$(BIN)/python benchmarks --write

bench-peers: $(PEERS:%=.peers/%/.ready) ## install the peers of `make bench`: Keras, onnxruntime

# Each in an environment of its own: two frameworks in one process fight over its threads.
.peers/%/.ready: benchmarks/peers/%.txt
	@test -x .peers/$*/bin/python || $(PYTHON) -m venv .peers/$*
	.peers/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# In environments of their own: they pull in much, and recur needs none of it. Wheels only, since some
# old sources no longer build; the index's torchvision and torchaudio are no match for a torch without
# CUDA, and what finds them would fail.
.peers/%/.ready: benchmarks/strangers/%.txt
	@test -x .peers/$*/bin/python || $(PYTHON) -m venv .peers/$*
	.peers/$*/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.peers/$*/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r $<
	.peers/$*/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

# recur as it is now, every time.
bench-programs: $(READY) $(PROGRAMS:%=.peers/%/.ready) ## time twenty public programs with and without recur.patch
	@rm -rf .peers/wheel
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir .peers/wheel .
	@for each in $(PROGRAMS); do \
	  .peers/$$each/bin/python -m pip install --quiet --disable-pip-version-check .peers/wheel/recur-*.whl && \
	  .peers/$$each/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
	    .peers/wheel/recur-*.whl || exit 1; \
	done
	$(BIN)/python benchmarks/programs.py --write

clean: ## remove .venv and everything built
	rm -rf $(VENV) .peers build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
