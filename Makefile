# Two commands do everything on a fresh machine with python3.11 and make: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export NO_PROXY := 127.0.0.1,localhost
export OMP_NUM_THREADS := 1

.PHONY: demo test test-all hunt lint results bench studies lock clean

demo: .venv/.demo
	@$(BIN)/wavjudge demo --out results/runs/demo

test: .venv/.dev lint
	$(BIN)/python -m pytest --hypothesis-profile=repeatable -m "not soak and not heavy"

test-all: .venv/.train lint
	WAVJUDGE_ALL=1 $(BIN)/python -m pytest --hypothesis-profile=repeatable

SEEDS ?= 1 2 3 4 5 6 7 8 9 10
hunt: .venv/.dev
	for seed in $(SEEDS); do $(BIN)/python -m pytest -q -m "hypothesis and not heavy" --hypothesis-seed=$$seed || exit 1; done

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

results: demo .venv/.dev
	@$(BIN)/wavjudge demo --out results/runs/demo --svg docs/demo.svg --quiet
	cp results/runs/demo/selftest/calibration.csv results/selftest.csv
	cp results/runs/demo/leaderboard.csv results/leaderboard.csv
	$(BIN)/python -m tests.report.montage results/runs/demo/selftest docs/calibration.png

bench: .venv/.dev
	$(BIN)/python -m tests.speed

studies: .venv/.dev
	$(BIN)/python -m tests.studies

lock: .venv/.dev
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra local --extra dev --extra tts --extra train --universal --python-version 3.11 \
	  --no-header --no-emit-index-url --no-emit-find-links --no-annotate -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wavjudge needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.demo: .venv/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local]'
	@touch $@

.venv/.dev: .venv/.demo
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local,dev]'
	@touch $@

# torch and the trainers: only for the tests marked heavy.
.venv/.train: .venv/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local,dev,train]'
	@touch $@
