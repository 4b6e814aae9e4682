# Everything a newcomer or CI needs; each target builds its own virtual environment first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo test soak check docs format golden contract detections bench man completions \
  dist package test-system lock clean

help:  ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: .*## /\t/'

$(STAMP): pyproject.toml mdeinspect/__init__.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group test --group check
	touch $@

demo: $(STAMP)  ## inspect a simulated host before and after something goes wrong
	$(BIN)/mdeinspect demo

test: $(STAMP)  ## all tests
	$(BIN)/python -m pytest -n auto

# MDEINSPECT_SOAK_ROUNDS: how often the service is killed.
soak: export MDEINSPECT_SOAK_ROUNDS ?= 300
soak: export MDEINSPECT_BENCH_IDLE ?= 600
soak: $(STAMP)  ## kill the service 300 times while everything changes; watch it idle for ten minutes
	$(BIN)/python -m pytest tests/service/test_crash.py
	$(BIN)/python -m benchmarks idle

check: $(STAMP)  ## format, lint, types, architecture, reference of the rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mdeinspect rules --markdown | diff docs/rules.md - || { echo 'run `make docs`'; exit 1; }

docs: $(STAMP)  ## write the reference of the rules anew from the code
	$(BIN)/mdeinspect rules --markdown > docs/rules.md

format: $(STAMP)  ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

golden: $(STAMP)  ## rewrite the golden outputs; review the diff
	$(BIN)/python -m pytest tests/golden --update-golden

contract: $(STAMP)  ## rewrite the schema, docs/events.md and the examples of docs/formats.md; review the diff
	$(BIN)/python -m pytest tests/contract tests/formats/test_docs.py --update-golden

detections: $(STAMP)  ## check the Sigma rules and write the queries made of them
	$(BIN)/python packaging/sigma/build.py check
	$(BIN)/python packaging/sigma/build.py convert

# MDEINSPECT_BENCH_IDLE: seconds that the idle service is looked at (60; 600 for a soak).
bench: $(STAMP)  ## timings and costs, as ratios where that makes sense, also in build/bench.json
	$(BIN)/python -m benchmarks

man: $(STAMP)  ## a manual page for every command, in build/man
	$(BIN)/python tools/manual.py build/man

completions: $(STAMP)  ## completions for bash, zsh and fish, in build/completions
	mkdir -p build/completions
	$(BIN)/mdeinspect completion bash > build/completions/mdeinspect.bash
	$(BIN)/mdeinspect completion zsh > build/completions/_mdeinspect
	$(BIN)/mdeinspect completion fish > build/completions/mdeinspect.fish

PACK := $(VENV)/.installed-pack
$(PACK): $(STAMP)
	$(BIN)/python -m pip install --quiet --group pack
	touch $@

dist: $(PACK)  ## wheel and sdist, in dist/
	cd packaging && ../$(BIN)/python -m pack dist

# Needs mmdebstrap and dpkg-dev. The interpreter is kept in build/interpreter until its recipe changes.
package: $(PACK) man completions  ## .deb, .rpm, wheel, sdist, bill of materials and checksums, in dist/
	cd packaging && ../$(BIN)/python -m pack packages

# Needs root, mmdebstrap and systemd-nspawn; says what it skips, and why.
test-system: $(PACK)  ## the packages of dist/ in roots of Debian, and under a real systemd
	$(BIN)/python -m pytest tests/packages

lock: $(PACK)  ## choose anew the versions of the libraries that go into the packages
	$(BIN)/uv pip compile --quiet --no-python-downloads --upgrade --generate-hashes --no-annotate \
	  --python-version 3.13 --python-platform x86_64-manylinux_2_31 \
	  --custom-compile-command 'make lock' --output-file packaging/requirements.txt pyproject.toml

clean:  ## remove what these targets made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
