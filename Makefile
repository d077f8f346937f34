# What a person does here. Every target installs what it needs itself.

PYTHON := python3.11
VENV   := .venv
BIN    := $(VENV)/bin
SUDO   := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo serve test lint types pytest torture lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(VENV)/runtime  ## train, gate, promote and serve a model, POST held-out images, stop
	$(BIN)/python -m demo

serve: $(VENV)/runtime  ## serve the model in production (train one first if there is none)
	$(BIN)/python -m demo --serve

test: lint types pytest  ## every check

lint: $(VENV)/development
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/development
	$(BIN)/mypy

pytest: $(VENV)/development $(VENV)/debian
	$(BIN)/pytest

torture: $(VENV)/development  ## nine minutes of power cuts, kills, lost replies and races for the registry
	$(BIN)/python -m tests.registry.torture

lock: $(VENV)/development  ## pin what requirements*.in ask for, with hashes
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements-dev.in -o requirements-dev.txt

clean:  ## remove everything made here: environment, models, caches
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Debian keeps the part of Python that makes virtual environments in a package of its own.
$(BIN)/python:
	$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends python3.11-venv)
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.txt $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

# The servers and tools that the tests start.
$(VENV)/debian: debian-packages.txt $(BIN)/python
	dpkg --status $$(cat $<) >/dev/null 2>&1 \
	  || ($(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends $$(cat $<))
	touch $@

$(VENV)/development: requirements-dev.txt $(VENV)/runtime
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	touch $@
