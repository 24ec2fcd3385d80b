# Foldship. Bare `make` lists the targets; every target makes the environment first when it is missing.
COMPETITION ?= quest
RECIPE      ?= fast
PYTHON      ?= $(shell for python in python3 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& { echo $$python; exit; }; done; echo python3)
DATA        ?=
INPUT       ?=
JOBS        ?=
LIMIT       ?=
MEMORY      ?=
CPUS        ?=
ROWS        ?=
PROFILE     ?=
MARGIN      ?=
ISOLATION   ?=
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
VARIABLES   := COMPETITION RECIPE PYTHON DATA INPUT JOBS LIMIT MEMORY CPUS ROWS PROFILE MARGIN ISOLATION SUBMIT \
               COMPARE IMPORT CHECK A B SHOW MODEL SOURCES OOF OPTIONS IMAGE RECIPES BENCH SUITES THREADS
# What is misspelt on the command line would be passed over in silence.
GIVEN       := $(foreach name,$(.VARIABLES),$(if $(filter command line,$(origin $(name))),$(name)))
UNKNOWN     := $(filter-out $(VARIABLES) MAKEFLAGS MAKEOVERRIDES -%,$(GIVEN))
close        = $(shell $(PYTHON) -c 'import difflib, sys; \
	print(*difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1) \
	or difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1))' $(1) $(2) 2>/dev/null)
meant_target = $(if $(call close,$(1),$(TARGETS)),did you mean $(call close,$(1),$(TARGETS))?,bare make lists all)
meant        = $(if $(call close,$(1),$(2)),did you mean $(call close,$(1),$(2))?,there are $(2))
$(if $(UNKNOWN),$(error there is no variable $(firstword $(UNKNOWN)): $(call meant,$(firstword $(UNKNOWN)),$(VARIABLES))))

# A value as the shell takes it: in one piece, whatever is in it.
quoted    = '$(subst ','\'',$(1))'
option    = $(if $(2),$(1) $(call quoted,$(2)))
# One path that may have spaces in it, or several with spaces between them.
paths     = if test -e $(call quoted,$(1)); then set -- $(call quoted,$(1)); else set -- $(1); fi

VENV     := .venv
READY    := $(VENV)/.ready
# Not the script beside it, whose first line cannot name a folder with spaces.
FOLDSHIP := $(VENV)/bin/python -m foldship
PEERS    := build/bench/peers
PROJECT  := $(call option,--competition,$(COMPETITION)) $(call option,--data,$(DATA))
WHICH    := $(PROJECT) $(call option,--recipe,$(RECIPE))
TRAINING := $(call option,--jobs,$(JOBS))
WHERE    := $(call option,--input,$(INPUT)) $(call option,--limit,$(LIMIT)) $(call option,--memory,$(MEMORY)) \
            $(call option,--cpus,$(CPUS)) $(call option,--isolation,$(ISOLATION))
PROMISE  := $(call option,--rows,$(ROWS)) $(call option,--profile,$(PROFILE)) $(call option,--margin,$(MARGIN))

COMPETITIONS := $(patsubst kernels/%/competition.yaml,%,$(wildcard kernels/*/competition.yaml))
recipes       = $(patsubst kernels/$(1)/recipes/%.yaml,%,$(wildcard kernels/$(1)/recipes/*.yaml))
empty        :=
either        = $(subst $(empty) $(empty),|,$(strip $(1)))

.DEFAULT_GOAL := help
.PHONY: help submission check documents train adopt runs sweep bundle simulate doctor push calibrate image report bench test lint clean

help: ## List the targets
	@bold=; plain=; if [ -t 1 ] && [ -z "$$NO_COLOR" ] && [ "$$TERM" != dumb ]; then bold='\033[1m'; plain='\033[0m'; fi; \
		awk -F ':.*## ' -v bold="$$bold" -v plain="$$plain" \
		'/^[a-z]+:.*## / { printf "  %s%-12s%s %s\n", bold, $$1, plain, $$2 }' Makefile
	@echo
	@echo '  Variables: COMPETITION=$(call either,$(COMPETITIONS))'
	@echo '             RECIPE=$(call either,$(call recipes,$(COMPETITION))), or one of your own'
	@$(foreach name,$(filter-out $(COMPETITION),$(COMPETITIONS)),echo '                    of $(name): $(call either,$(call recipes,$(name)))';)
	@echo '             DATA=folder JOBS=number INPUT=folder LIMIT=seconds MEMORY=GiB CPUS=number'
	@echo '             ROWS=number PROFILE=t4x2|l4|cpu|local MARGIN=share IMPORT=file IMAGE=name CHECK=folder'
	@echo '             ISOLATION=auto|bubblewrap|unshare|docker|none'
	@echo '             SUBMIT=1 COMPARE=hashes|sizes A=run B=run SHOW=run RECIPES="one two"'
	@echo '             MODEL=name SOURCES="path path" OOF=file OPTIONS="--texts title,body"'
	@echo '             BENCH=full|quick SUITES=speed,repeats,scaling,profile,postprocess,training,fetching,gpu THREADS=2'
	@echo '             PYTHON=python3.11|python3.12, for the environment'

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
	$(call paths,$(SOURCES)); $(FOLDSHIP) adopt $(PROJECT) \
		$(if $(filter file,$(origin RECIPE)),,$(call option,--recipe,$(RECIPE))) \
		$(call option,--model,$(MODEL)) $(call option,--oof,$(OOF)) $(OPTIONS) "$$@"

runs: $(READY) ## List what was tried and what it scored; A=run sets all against one, with B=run that one only, SHOW=run repeats one
	$(FOLDSHIP) runs $(PROJECT) $(if $(B),--compare $(call quoted,$(or $(A),$(error B=run is compared with A=run: name both))) $(call quoted,$(B)),$(call option,--against,$(A))) $(call option,--show,$(SHOW))

# In a workspace of its own: these trainings must not set the real weights aside.
sweep: export FOLDSHIP_ROOT := $(CURDIR)/weights/sweep
sweep: $(READY) ## Train RECIPES one after another and set them against the first; by default those of docs/ablation.md
	@mkdir -p "$$FOLDSHIP_ROOT/weights" && ln -sfn "$$PWD/kernels" "$$FOLDSHIP_ROOT/kernels"
	@ln -sfn "$$PWD/weights/backbones" "$$FOLDSHIP_ROOT/weights/backbones"
	@echo '$(words $(RECIPES)) recipes, one after another; what is finished is kept, so stop and go on at will'
	failed=; for recipe in $(RECIPES); do \
		$(FOLDSHIP) check --training $(PROJECT) --recipe "$$recipe" $(TRAINING) || failed=1; \
	done; [ -z "$$failed" ]
	for recipe in $(RECIPES); do \
		$(FOLDSHIP) train $(PROJECT) --recipe "$$recipe" $(TRAINING) || exit; \
	done
	$(FOLDSHIP) runs $(call option,--competition,$(COMPETITION)) --against $(firstword $(RECIPES))

bundle: $(READY) ## Merge, export and bundle the trained folds into one offline kernel; CHECK=folder verifies one
	$(if $(CHECK),$(call paths,$(CHECK)); $(FOLDSHIP) bundle --check "$$@",$(FOLDSHIP) bundle $(WHICH))

simulate: $(READY) ## Run the bundle in a sealed sandbox laid out like Kaggle
	$(FOLDSHIP) simulate $(WHICH) $(WHERE) $(PROMISE)

doctor: $(READY) ## Ask, before anything is spent, what would go wrong on Kaggle
	$(FOLDSHIP) doctor $(WHICH) $(if $(SUBMIT),--submit)

push: $(READY) ## Bring the bundle to Kaggle, run it there, compare; SUBMIT=1 submits the run
	$(FOLDSHIP) push $(WHICH) $(if $(SUBMIT),--submit) $(call option,--compare,$(COMPARE))

calibrate: $(READY) ## Make a kernel that measures Kaggle's machine; IMPORT=profile.yaml keeps what it measured
	$(FOLDSHIP) calibrate $(WHICH) $(call option,--import,$(IMPORT)) $(call option,--name,$(PROFILE))

image: $(READY) ## Make a kernel that says what Kaggle's image holds; IMPORT=image.json, or its log, keeps that
	$(FOLDSHIP) image $(WHICH) $(call option,--import,$(IMPORT)) $(call option,--name,$(IMAGE))

report: $(READY) ## Write one HTML page about the last run
	$(FOLDSHIP) report $(call option,--competition,$(COMPETITION))

bench: $(READY) $(PEERS)/.ready ## Measure the kernel against what else one would run
	PYTHONPATH="$(PEERS)" $(VENV)/bin/python -m bench --size $(call quoted,$(BENCH)) --suites $(call quoted,$(SUITES)) --threads $(call quoted,$(THREADS))

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

# A target that is not there.
TARGETS = $(shell sed -n 's/^\([a-z]*\): .*## .*/\1/p' Makefile)
.DEFAULT:
	@test -e $(call quoted,$@) || { echo 'error: there is no target $@: $(call meant_target,$@)' >&2; exit 2; }
