# Two commands do everything on a fresh machine with python3.11 and make: `make demo` and `make test`.
# `make test-all` runs what `make test` leaves, in an environment of its own that has torch.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WITH_TORCH := .venv-torch/bin
JOBS ?= 2
PYTEST := -m pytest --hypothesis-profile=repeatable -n $(JOBS) --dist worksteal
export NO_PROXY := 127.0.0.1,localhost
export OMP_NUM_THREADS := 1

.PHONY: demo test test-all hunt freeze lint results bench studies toy lock clean

demo: .venv/.demo
	@$(BIN)/wavjudge demo --out results/runs/demo

test: .venv/.dev lint
	$(BIN)/python $(PYTEST) -m "not soak and not heavy"

test-all: .venv-torch/.train
	WAVJUDGE_ALL=1 $(WITH_TORCH)/python $(PYTEST) -m "heavy and not soak"

SEEDS ?= 1 2 3 4 5 6 7 8 9 10
hunt: .venv/.dev
	for seed in $(SEEDS); do $(BIN)/python -m pytest -q -m "hypothesis and not heavy" --hypothesis-seed=$$seed || exit 1; done

# What the commands wrote is kept in tests/freeze: look at `git diff tests/freeze` afterwards.
freeze: .venv/.dev
	$(BIN)/python -m tests.freeze $(SCENES)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

results: demo .venv/.dev
	@$(BIN)/wavjudge demo --out results/runs/demo --svg docs/demo.svg --quiet
	cp results/runs/demo/selftest/calibration.csv results/selftest.csv
	cp results/runs/demo/leaderboard.csv results/leaderboard.csv
	$(BIN)/python -m tests.reporting.montage results/runs/demo/selftest docs/calibration.png

bench: .venv/.dev
	$(BIN)/python -m studies.speed

studies: .venv/.dev
	$(BIN)/python -m studies.coverage

toy: .venv-torch/.train
	$(WITH_TORCH)/python -m studies.toy_recipe --out toy

lock: .venv/.dev
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile pyproject.toml --extra local --extra dev --extra tts --extra train --universal --python-version 3.11 \
	  --no-header --no-emit-index-url --no-emit-find-links --no-annotate -o requirements.lock

clean:
	rm -rf .venv .venv-torch .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

# pip is the last thing that venv makes: an environment without it is half made, and is made again.
%/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wavjudge needs Python 3.11 or newer, found %s: make PYTHON=python3.11" % sys.version.split()[0])'
	@$(PYTHON) -m venv --clear $* || { rm -rf $*; echo "No environment could be made with $(PYTHON). On Debian and Ubuntu: apt install python3-venv, then the same command again." >&2; exit 1; }

.venv/.demo: .venv/bin/pip pyproject.toml requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local]'
	@touch $@

.venv/.dev: .venv/.demo
	$(BIN)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local,dev]'
	@touch $@

# torch and the trainers: only for the tests marked heavy.
.venv-torch/.train: .venv-torch/bin/pip pyproject.toml requirements.lock
	$(WITH_TORCH)/python -m pip install -q --disable-pip-version-check -c requirements.lock -e '.[local,dev,train]'
	@touch $@
