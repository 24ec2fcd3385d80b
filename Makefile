# Foldship. Bare `make` lists the targets; every target makes the environment first when it is missing.
COMPETITION ?= quest
RECIPE      ?= fast
PYTHON      ?= python3
DATA        ?=
INPUT       ?=
JOBS        ?=
LIMIT       ?=
MEMORY      ?=
CPUS        ?=
ROWS        ?=
PROFILE     ?=
MARGIN      ?=
SUBMIT      ?=
COMPARE     ?=
IMPORT      ?=
CHECK       ?=
A           ?=
B           ?=
SHOW        ?=
MODEL       ?=
SOURCES     ?=
OOF         ?=
OPTIONS     ?=
IMAGE       ?=
RECIPE_DIR  := kernels/$(COMPETITION)/recipes
IDEAS       := $(sort $(patsubst $(RECIPE_DIR)/%.yaml,%,$(wildcard $(RECIPE_DIR)/ablation/*.yaml)))
RECIPES     ?= ablation/base $(filter-out ablation/base,$(IDEAS))
BENCH       ?= full
SUITES      ?=
THREADS     ?= 2

VENV     := .venv
READY    := $(VENV)/.ready
FOLDSHIP := $(VENV)/bin/foldship
PEERS    := build/bench/peers
WHICH    := --competition $(COMPETITION) --recipe $(RECIPE) $(if $(DATA),--data "$(DATA)")
TRAINING := $(if $(JOBS),--jobs $(JOBS))
WHERE    := $(if $(INPUT),--input "$(INPUT)") $(if $(LIMIT),--limit $(LIMIT)) $(if $(MEMORY),--memory $(MEMORY)) $(if $(CPUS),--cpus $(CPUS))
PROMISE  := $(if $(ROWS),--rows $(ROWS)) $(if $(PROFILE),--profile $(PROFILE)) $(if $(MARGIN),--margin $(MARGIN))

.DEFAULT_GOAL := help
.PHONY: help submission check documents train adopt runs sweep bundle simulate doctor push calibrate image report bench test lint clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  Variables: COMPETITION=quest RECIPE=fast|full|gpu|lora DATA=folder JOBS=number INPUT=folder LIMIT=seconds MEMORY=GiB CPUS=number'
	@echo '             ROWS=number PROFILE=t4x2|l4|cpu|local MARGIN=share IMPORT=file IMAGE=name CHECK=folder'
	@echo '             SUBMIT=1 COMPARE=hashes|sizes A=run B=run SHOW=run RECIPES="one two"'
	@echo '             MODEL=name SOURCES="path path" OOF=file OPTIONS="--texts title,body"'
	@echo '             BENCH=full|quick SUITES=speed,repeats,scaling,profile,postprocess,training,fetching,gpu THREADS=2'

submission: $(READY) ## Train, bundle and rehearse: from train.csv to submission.csv
	$(FOLDSHIP) submission $(WHICH) $(TRAINING) $(WHERE) $(PROMISE)

check: $(READY) ## Ask all that can be known before training, and train nothing
	$(FOLDSHIP) check $(WHICH) $(TRAINING) $(WHERE) $(PROMISE)

documents: $(READY) ## Fetch the documents that a competition with retrieval names
	$(FOLDSHIP) documents $(WHICH)

train: $(READY) ## Train the fold models and write their out-of-fold predictions
	$(FOLDSHIP) train $(WHICH) $(TRAINING)

# The recipe is one of its own unless another is named.
adopt: $(READY) ## Take models trained elsewhere: MODEL=name SOURCES="one path a fold" OOF=file OPTIONS="--max-tokens 512"
	$(FOLDSHIP) adopt --competition $(COMPETITION) $(if $(DATA),--data "$(DATA)") \
		$(if $(filter file,$(origin RECIPE)),,--recipe $(RECIPE)) \
		$(if $(MODEL),--model $(MODEL)) $(if $(OOF),--oof "$(OOF)") $(OPTIONS) $(SOURCES)

runs: $(READY) ## List what was tried and what it scored; A=run sets all against one, with B=run that one only, SHOW=run repeats one
	$(FOLDSHIP) runs --competition $(COMPETITION) $(if $(DATA),--data "$(DATA)") $(if $(B),--compare $(or $(A),$(error B=run is compared with A=run: name both)) $(B),$(if $(A),--against $(A))) $(if $(SHOW),--show $(SHOW))

# In a workspace of its own: these trainings must not set the real weights aside.
sweep: export FOLDSHIP_ROOT := $(CURDIR)/weights/sweep
sweep: $(READY) ## Train RECIPES one after another and set them against the first; by default those of docs/ablation.md
	@mkdir -p $(FOLDSHIP_ROOT)/weights && ln -sfn $(CURDIR)/kernels $(FOLDSHIP_ROOT)/kernels
	@ln -sfn $(CURDIR)/weights/backbones $(FOLDSHIP_ROOT)/weights/backbones
	@echo '$(words $(RECIPES)) recipes, one after another; what is finished is kept, so stop and go on at will'
	failed=; for recipe in $(RECIPES); do \
		$(FOLDSHIP) check --training --competition $(COMPETITION) --recipe $$recipe $(if $(DATA),--data "$(DATA)") $(TRAINING) || failed=1; \
	done; [ -z "$$failed" ]
	for recipe in $(RECIPES); do \
		$(FOLDSHIP) train --competition $(COMPETITION) --recipe $$recipe $(if $(DATA),--data "$(DATA)") $(TRAINING) || exit; \
	done
	$(FOLDSHIP) runs --competition $(COMPETITION) --against $(firstword $(RECIPES))

bundle: $(READY) ## Merge, export and bundle the trained folds into one offline kernel; CHECK=folder verifies one
	$(FOLDSHIP) bundle $(if $(CHECK),--check $(CHECK),$(WHICH))

simulate: $(READY) ## Run the bundle in a sealed sandbox laid out like Kaggle
	$(FOLDSHIP) simulate $(WHICH) $(WHERE) $(PROMISE)

doctor: $(READY) ## Ask, before anything is spent, what would go wrong on Kaggle
	$(FOLDSHIP) doctor $(WHICH) $(if $(SUBMIT),--submit)

push: $(READY) ## Bring the bundle to Kaggle, run it there, compare; SUBMIT=1 submits the run
	$(FOLDSHIP) push $(WHICH) $(if $(SUBMIT),--submit) $(if $(COMPARE),--compare $(COMPARE))

calibrate: $(READY) ## Make a kernel that measures Kaggle's machine; IMPORT=profile.yaml keeps what it measured
	$(FOLDSHIP) calibrate $(WHICH) $(if $(IMPORT),--import "$(IMPORT)") $(if $(PROFILE),--name $(PROFILE))

image: $(READY) ## Make a kernel that says what Kaggle's image holds; IMPORT=image.json, or its log, keeps that
	$(FOLDSHIP) image $(WHICH) $(if $(IMPORT),--import "$(IMPORT)") $(if $(IMAGE),--name $(IMAGE))

report: $(READY) ## Write one HTML page about the last run
	$(FOLDSHIP) report --competition $(COMPETITION)

bench: $(READY) $(PEERS)/.ready ## Measure the kernel against what else one would run
	PYTHONPATH="$(PEERS)" $(VENV)/bin/python -m bench --size "$(BENCH)" --suites "$(SUITES)" --threads $(THREADS)

# What runs against a clock or a memory limit has the machine to itself.
ALONE := tests/foldship/rehearsal $(addprefix tests/scenarios/test_,calibration.py deadline.py kernel_runs.py memory.py)

test: $(READY) ## Run all tests
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(addprefix --ignore ,$(ALONE))
	$(VENV)/bin/python -m pytest $(ALONE)

lint: $(READY) ## Check style, types and import rules
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

clean: ## Delete everything generated, but never weights/
	find build -mindepth 1 ! -name README.md -delete

# A folder of its own: a peer must not change what the project runs on.
$(PEERS)/.ready: bench/requirements.lock | $(READY)
	@mkdir -p $(PEERS)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(PEERS) \
		-r $< && touch $@ || echo 'note: CTranslate2 could not be installed; the bench goes on without it'

$(READY): requirements.lock pyproject.toml
	@echo 'Making the environment in $(VENV): a few minutes, the first time only.'
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
		|| { echo 'error: $(PYTHON) is not Python 3.11 or 3.12; fix: make PYTHON=python3.11 ...'; exit 1; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
		|| { echo 'error: no virtual environment; fix: apt-get install python3-venv'; exit 1; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
