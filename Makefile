# Every target does its own set-up in .venv: make demo, make test, and nothing else installed by hand.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
GENERATED := docs/reference/cli.md docs/reference/feed-rules.md docs/reference/show-toml.md docs/reference/episode-toml.md \
	docs/reference/formats.md

.PHONY: demo test test-postgresql soak bench docs clean
.DEFAULT_GOAL := demo

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

# torch first, from where it is a CPU build: a bare pin brings gigabytes of CUDA on an ordinary Linux machine.
.venv/torch: .venv/bin/python
	@echo "Downloading PyTorch, the engines and the Whisper weights: some gigabytes, once; minutes without a word"
	$(PIP) 'torch==2.13.0+cpu' 2>/dev/null \
	  || $(PIP) 'torch==2.13.0' --index-url https://download.pytorch.org/whl/cpu \
	  || $(PIP) 'torch==2.13.0'
	@touch $@

.venv/installed: .venv/torch pyproject.toml constraints.txt
	$(PIP) --constraint constraints.txt --editable '.[all]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: .venv/installed
	@scripts/demo.sh

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cog --check $(GENERATED)
	$(BIN)/pytest --numprocesses 2 --dist loadgroup

test-postgresql: .venv/installed-dev
	$(BIN)/pytest --database postgresql --numprocesses 2 --dist loadgroup

soak: test-postgresql
	$(BIN)/pytest -m soak --soak

bench: .venv/installed-dev
	$(BIN)/python scripts/bench_transcribe.py

docs: .venv/installed-dev
	$(BIN)/cog -r $(GENERATED)

clean:
	rm -rf .venv .podcast episodes/*/build
