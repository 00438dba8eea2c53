# Every target makes its own virtual environment on a bare machine: Python 3.11+ and make are all that is needed.
PYTHON ?= python3
VENV ?= .venv
# Extra flags for pip, for example an index that holds CPU-only builds of torch:
# --extra-index-url https://download.pytorch.org/whl/cpu
PIP_FLAGS ?=
ARGS ?=
# Processes that share the tests, whole files at a time.
TEST_JOBS ?= 2
BIN := $(VENV)/bin
# Python writes the byte code of what it imports; pip would make it for all files, of which torch alone has ten thousand.
# Only where Python may not write any, it is made here, on all cores.
BYTE_CODE = [ -z "$$PYTHONDONTWRITEBYTECODE" ] || $(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(PIP_FLAGS) -c constraints.txt
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
# What the commands need, and what tests, checks and docs need besides.
COMMANDS := $(VENV)/.commands
INSTALLED := $(VENV)/.installed

.PHONY: help compare test check format docs bench dashboard clean

help:
	@echo "make compare [ARGS='--budget smoke …']   install, then compare k24, qmix and kalei"
	@echo "make test    [ARGS='-k mixer']           install, then run the tests"
	@echo "make check                               install, then ruff, format and mypy"
	@echo "make docs                                install, then build the documentation site in .cache/site"
	@echo "make bench                               install, then the speed benchmarks"
	@echo "make dashboard                           install, then open studies/studies.db in optuna-dashboard"

$(COMMANDS): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $(PYTHON) is older; name another one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@# Without an NVIDIA card the build for CPUs, which is gigabytes smaller, wherever the index has one.
	@if nvidia-smi -L 2>/dev/null | grep -q GPU; then $(PIP) torch; \
		else $(PIP) 'torch==$(TORCH)+cpu' 2>/dev/null || $(PIP) torch; fi
	$(PIP) -e .
	@$(BYTE_CODE)
	@touch $@

$(INSTALLED): $(COMMANDS)
	$(PIP) -e '.[dev]'
	$(PIP) --no-deps pysc2 \
		|| echo "pysc2 has no build for this machine; the tests with it will be skipped"
	@$(BYTE_CODE)
	@touch $@

compare: $(COMMANDS)
	$(BIN)/python -m harness.compare --algos k24,qmix,kalei $(ARGS)

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q -b html -d .cache/doctrees docs .cache/site
	@echo "written: .cache/site/index.html"

bench: $(COMMANDS)
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.learner
	$(BIN)/python -m benchmarks.learner.end_to_end
	$(BIN)/python -m benchmarks.learner.replay

dashboard: $(COMMANDS)
	$(BIN)/optuna-dashboard sqlite:///studies/studies.db --artifact-dir studies/artifacts

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
