# ssi-audit: every target calls the command line and nothing else. `make` alone lists them.
# Windows without make: README, "Two commands".

PYTHON ?= python3
DATA ?= data/raw
OUT ?= reports
FILE ?= answer.json
WORLD ?= activity_gauge
PEOPLE ?= 40
WEEKS ?= 104
SEED ?= 1
AS ?= plain
export MINUTES ?= 5

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
LAB := .venv-lab/Scripts
else
BIN := .venv/bin
LAB := .venv-lab/bin
endif

# Only this project's environment counts: no user site, no other Python's downloads.
export UV_PYTHON_DOWNLOADS := never
export PYTHONNOUSERSITE := 1

RUN = "$(BIN)/ssi-audit"
OPTIONS = $(if $(LANG_),--lang $(LANG_)) $(if $(FROM),--from $(FROM)) $(if $(TO),--to $(TO)) $(if $(PERIOD),--period $(PERIOD))

.PHONY: help report check audit load record sample sample-data pdf pictures lab test lint worlds mutants mutate bench spark-test fuzz clean lock
.DEFAULT_GOAL := help

help: ## List the targets
	@$(PYTHON) -c "import re; [print('  make {:<12} {}'.format(*m)) for m in re.findall(r'^([a-z-]+):.*?## (.*)$$', open('Makefile', encoding='utf-8').read(), re.M)]"

report: .venv/.ready ## Build the report from DATA=data/raw (or the sample) into OUT=reports
	@$(RUN) report "$(DATA)" --out "$(OUT)" $(OPTIONS)

check: .venv/.ready ## Read and check DATA without writing anything
	@$(RUN) check "$(DATA)" $(OPTIONS)

audit: .venv/.ready ## Only the numbers: FILE=answer.json
	@$(RUN) audit "$(DATA)" --out "$(FILE)" $(OPTIONS)

load: .venv/.ready ## Write what was understood in the plain format into OUT
	@$(RUN) load "$(DATA)" --out "$(OUT)" $(OPTIONS)

record: .venv/.ready ## Append one reading: ARGS="--person P --file saved_page.html --to history.csv"
	@$(RUN) record $(ARGS)

sample: .venv/.ready ## Exports of a known-truth world: WORLD= PEOPLE= WEEKS= SEED= AS=plain|exports OUT=
	@$(RUN) sample --world $(WORLD) --people $(PEOPLE) --weeks $(WEEKS) --seed $(SEED) --as $(AS) --out "$(OUT)"

sample-data: .venv/.ready ## Make data/sample again, byte for byte
	@$(RUN) sample --world sample --out data/sample

pdf: .venv/.ready ## Print the answer to OUT/answer.pdf (needs Chromium)
	@$(RUN) pdf "$(OUT)"

pictures: .venv/.ready ## Make the README's pictures in docs/ again from the sample (needs Chromium)
	@"$(BIN)/python" -m ssi_audit.report.pictures docs

lab: .venv-lab/.ready ## Open the notebooks in JupyterLab
	@"$(LAB)/jupyter" lab notebooks

test: .venv/.ready-dev ## Run the tests
	@"$(BIN)/python" -m pytest $(TESTS)

lint: .venv/.ready-dev ## Check style of code and notebooks
	@"$(BIN)/ruff" check . && "$(BIN)/ruff" format --check src tests

worlds: .venv/.ready-dev ## The long simulations on known-truth worlds (about half an hour)
	@"$(BIN)/python" -m pytest tests/worlds -m slow -s

mutants: .venv/.ready-dev ## Plant known mistakes one at a time: a test must notice each
	@"$(BIN)/python" -m pytest tests/mutants -m slow

mutate: .venv/.ready-dev ## Make every small change to modules of numbers: MODULES=stats/power.py SAMPLE=100
	@"$(BIN)/python" -m tests.mutants.changes $(MODULES) $(if $(SAMPLE),--sample $(SAMPLE))

bench: .venv/.ready-bench ## Measure against floors and other tools: SCALE=1 (million rows)
	@"$(BIN)/python" -m tests.bench.run $(if $(SCALE),--scale $(SCALE))

spark-test: .venv/.ready-spark ## The panel on Spark and pages on dask against this machine (needs Java)
	@"$(BIN)/python" -m pytest -n 0 tests/unit/test_panel_files.py tests/unit/report/test_fanout.py

fuzz: .venv/.ready-dev ## Feed broken bytes to every reader for MINUTES=5
	@"$(BIN)/python" -m pytest tests/hostile/test_fuzz.py tests/hostile/test_inputs.py -m slow -s -n 0

clean: ## Remove everything made: environments, reports, processed data. Never data/raw
	@$(PYTHON) -c "import pathlib, shutil; [shutil.rmtree(p, ignore_errors=True) for p in ('.venv', '.venv-lab', '.cache', '.pytest_cache', '.ruff_cache', '.hypothesis')]; [shutil.rmtree(p) if p.is_dir() else p.unlink() for d in ('reports', 'data/processed') for p in pathlib.Path(d).iterdir() if p.name not in ('.gitkeep', 'README.md')]"

lock: .venv/.ready ## Pin the newest allowed versions of everything in requirements.lock
	@"$(BIN)/uv" pip compile -q --upgrade --universal --python-version 3.11 --no-annotate --no-header --no-emit-index-url --no-emit-find-links --generate-hashes --all-extras pyproject.toml -o requirements.lock

# ---- environments: made once, made again when the project's needs change ---------------------------------

# uv holds every download against the hashes of requirements.lock.
UV_PIN := 0.13.9

define install
	@$(PYTHON) -c "import sys; sys.exit('ssi-audit needs Python 3.11 or newer; this is ' + sys.version.split()[0] + '. Name another one: make report PYTHON=python3.12') if sys.version_info < (3, 11) else None"
	@$(PYTHON) -c "import pathlib, sys; sys.exit(0 if pathlib.Path('$(2)/python').exists() or pathlib.Path('$(2)/python.exe').exists() else 1)" || $(PYTHON) -m venv $(1)
	@echo "Installing into $(1) (once, about a minute) ..."
	@"$(2)/python" -m pip install --quiet --disable-pip-version-check uv==$(UV_PIN)
	@"$(2)/python" -m uv pip install --quiet --compile-bytecode --python "$(2)/python" -c requirements.lock -e ".$(3)"
	@"$(2)/python" -m compileall -q src
	@$(PYTHON) -c "import pathlib; pathlib.Path('$@').touch()"
endef

.venv/.ready: pyproject.toml requirements.lock
	$(call install,.venv,$(BIN),)

.venv/.ready-dev: .venv/.ready
	$(call install,.venv,$(BIN),[dev])

# A comma would end the argument of the call.
CLUSTERS := [spark,dask]
.venv/.ready-spark: .venv/.ready-dev
	$(call install,.venv,$(BIN),$(CLUSTERS))

.venv/.ready-bench: .venv/.ready-dev
	$(call install,.venv,$(BIN),[bench])

.venv-lab/.ready: pyproject.toml requirements.lock
	$(call install,.venv-lab,$(LAB),[lab])
